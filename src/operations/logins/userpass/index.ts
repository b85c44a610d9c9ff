/** Userpass's operations, of their parts. */
import type { App } from '../../app.js';
import type { UserpassOperations } from './contract.js';
import { loginOperation } from './login.js';
import { userOperations } from './users.js';

export const userpassOperations = (app: App): UserpassOperations => ({
  ...loginOperation(app),
  ...userOperations(app),
});
