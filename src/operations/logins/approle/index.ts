/** AppRole's operations, of their parts. */
import type { App } from '../../app.js';
import type { AppRoleOperations } from './contract.js';
import { loginOperation } from './login.js';
import { roleOperations } from './roles.js';
import { secretIdOperations } from './secret-ids.js';

export const appRoleOperations = (app: App): AppRoleOperations => ({
  ...loginOperation(app),
  ...roleOperations(app),
  ...secretIdOperations(app),
});
