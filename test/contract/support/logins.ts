/** Logins in tests: a mount of a method, roles, and what answers say. */
import * as assert from 'uvu/assert';
import type { Json, Reply, TestNode } from '../../support/cluster.js';

export const enable = async (node: TestNode, path: string, fields: Json): Promise<void> => {
  const reply = await node.call('POST', `sys/auth/${path}`, fields);
  assert.is(reply.status, 204, reply.text);
};

export const done = async (
  node: TestNode,
  method: string,
  path: string,
  fields?: Json,
  status = 204,
): Promise<Reply> => {
  const reply = await node.call(method, path, fields);
  assert.is(reply.status, status, `${method} ${path}: ${reply.status} ${reply.text}`);
  return reply;
};

export const dataOf = async (node: TestNode, method: string, path: string, fields?: Json): Promise<Json> =>
  (await done(node, method, path, fields, 200)).body.data;

/** No token is sent: who logs in has none. */
export const login = (node: TestNode, path: string, fields: Json): Promise<Reply> =>
  node.call('POST', `auth/${path}`, fields, { token: null });

/** The addresses of a test are all one: what it counted is forgotten. */
export const forgetAddress = (node: TestNode): void =>
  node.program.nexus.loginAttempts.succeeded('login address 127.0.0.1');

/** Lines of recorded requests, and events, of that type. */
export const trail = async (node: TestNode, type: string): Promise<Json[]> => {
  await node.program.nexus.session?.recorder.flush();
  const reply = await node.call('GET', `sys/ledger/events?type=${type}&limit=500`);
  assert.is(reply.status, 200, reply.text);
  return reply.body.data.events;
};

export interface AppRoles {
  /** The role id of a role that is written with these settings. */
  role(name: string, fields?: Json): Promise<string>;
  secretId(name: string, fields?: Json): Promise<Json>;
  logIn(roleId: string, secretId: string): Promise<Reply>;
  /** A role with one secret id, and a login by it. */
  loggedIn(name: string, fields?: Json, secret?: Json): Promise<{ role_id: string; made: Json; auth: Json }>;
}

/** Of the mount at auth/approle. */
export const appRoles = (node: TestNode): AppRoles => {
  const roles: AppRoles = {
    role: async (name, fields = {}) => {
      await done(node, 'POST', `auth/approle/role/${name}`, fields);
      return (await dataOf(node, 'GET', `auth/approle/role/${name}/role-id`)).role_id;
    },
    secretId: (name, fields = {}) => dataOf(node, 'POST', `auth/approle/role/${name}/secret-id`, fields),
    logIn: (role_id, secret_id) => login(node, 'approle/login', { role_id, secret_id }),
    loggedIn: async (name, fields = {}, secret = {}) => {
      const role_id = await roles.role(name, fields);
      const made = await roles.secretId(name, secret);
      const reply = await roles.logIn(role_id, made.secret_id);
      assert.is(reply.status, 200, reply.text);
      return { role_id, made, auth: reply.body.auth };
    },
  };
  return roles;
};
