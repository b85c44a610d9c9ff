/** The list: adding a projection adds one line here. */
import type { Projection } from '../src/projector/projection.js';
import { auditIndex } from './audit-index/projection.js';
import { secretTree } from './secret-tree/projection.js';
import { secrets } from './secrets/projection.js';

export const projections: readonly Projection[] = [secrets, secretTree, auditIndex];
