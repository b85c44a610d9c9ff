/** How machines log in, as the page says it. */
import { describePage } from './support/page-suite.js';

describePage('docs/how-to/log-in-machines-with-approle.md', 7);
