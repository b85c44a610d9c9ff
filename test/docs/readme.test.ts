/** The first five minutes, as the README has them. */
import { describePage } from './support/page-suite.js';

describePage('README.md', 4);
