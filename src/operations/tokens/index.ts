/** The token store's operations, of their parts (vault-wire.md §10). Login methods make their tokens by `createToken`. */
import type { App } from '../app.js';
import type { TokenOperations } from './contract.js';
import { createOperation } from './create.js';
import { lookupOperations } from './lookup.js';
import { renewOperations } from './renew.js';
import { revokeOperations } from './revoke.js';
import { roleOperations } from './roles.js';

export { type Companion, type Creation, createToken } from './create-token.js';
export { lane1Command } from './lane1.js';
export { leaseOperations } from './leases.js';
export { lookupSelfOperation } from './lookup.js';
export { loginToken, type NewToken } from './new-token.js';

export const tokenOperations = (app: App): TokenOperations => ({
  ...createOperation(app),
  ...lookupOperations(app),
  ...renewOperations(app),
  ...revokeOperations(app),
  ...roleOperations(app),
});
