/** `auth/userpass` as far as it exists (vault-wire.md §12.1), and the slots behind administrators. */
import { type Answer, errors, noContent, oneError, withPosition } from './answer.js';
import { answered, type Call } from './call.js';
import { stringField } from './fields.js';
import { loggedIn } from './token-answers.js';

const LOGIN = /^auth\/userpass\/login\/([^/]+)$/;
const PASSWORD = /^auth\/userpass\/users\/([^/]+)\/password$/;
const USER = /^auth\/userpass\/users\/([^/]+)$/;

/** No token is asked of these: a bad one sent along is ignored. */
export const login = (call: Call): Promise<Answer> | Answer | null => {
  const name = LOGIN.exec(call.path)?.[1];
  const changing = PASSWORD.exec(call.path)?.[1];
  if (name === undefined && changing === undefined) return null;
  if (call.verb !== 'write') return oneError(405, 'unsupported operation');
  const { fields, operations, context } = call;
  if (name !== undefined) {
    const password = stringField(fields, 'password');
    if (password === undefined || password === '') return errors(400, 'missing password');
    return answered(call, operations.auth.login(context, { name, password }), loggedIn(call));
  }
  const [oldPassword, newPassword] = [stringField(fields, 'old_password'), stringField(fields, 'password')];
  if (changing === undefined || oldPassword === undefined || newPassword === undefined)
    return errors(400, 'give old_password and password');
  const input = { name: changing, oldPassword, newPassword };
  return answered(call, operations.sys.changePassword(context, input), ({ position }) =>
    withPosition(noContent, position),
  );
};

/** Null: not one of ours. */
export const auth = (call: Call): Promise<Answer> | Answer | null => {
  const user = USER.exec(call.path)?.[1];
  return user === undefined ? null : administrator(call, user);
};

/** A further administrator: a slot of the root key under a password of their own. */
const administrator = (call: Call, name: string): Promise<Answer> | Answer => {
  const { fields, operations, context } = call;
  if (call.verb === 'delete')
    return answered(call, operations.sys.removeSlot(context, { name }), ({ position }) =>
      withPosition(noContent, position),
    );
  if (call.verb !== 'write') return oneError(405, 'unsupported operation');
  const password = stringField(fields, 'password');
  if (password === undefined) return errors(400, 'missing password');
  return answered(call, operations.sys.addSlot(context, { name, password }), ({ position }) =>
    withPosition(noContent, position),
  );
};
