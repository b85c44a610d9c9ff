/** Response wrapping, of its parts. */
import type { App } from '../app.js';
import type { WrappingOperations } from './contract.js';
import { unwrapOperations } from './unwrap.js';
import { wrapOperation } from './wrap.js';

export const wrappingOperations = (app: App): WrappingOperations => ({
  ...wrapOperation(app),
  ...unwrapOperations(app),
});
