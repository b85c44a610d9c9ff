/** Tokens in tests: made, asked about, and a clock that can be put forward. */
import * as assert from 'uvu/assert';
import type { Json, Reply, TestNode } from '../../support/cluster.js';

export interface TokenCalls {
  /** The `auth` block of a token that root makes, or `by`. */
  make(fields: Json, options?: { readonly route?: string; readonly by?: string }): Promise<Json>;
  post(path: string, fields?: Json, token?: string): Promise<Reply>;
  get(path: string, token?: string): Promise<Reply>;
  /** True while the token answers to lookup-self. */
  lives(token: string): Promise<boolean>;
  policy(name: string, text: string): Promise<void>;
}

export const tokenCalls = (node: TestNode): TokenCalls => {
  const as = (token?: string) => (token === undefined ? {} : { token });
  const calls: TokenCalls = {
    make: async (fields, { route = 'create', by } = {}) => {
      const reply = await calls.post(`auth/token/${route}`, fields, by);
      assert.is(reply.status, 200, reply.text);
      return reply.body.auth;
    },
    post: (path, fields = {}, token) => node.call('POST', path, fields, as(token)),
    get: (path, token) => node.call('GET', path, undefined, as(token)),
    lives: async token => {
      const reply = await calls.get('auth/token/lookup-self', token);
      assert.ok(reply.status === 200 || reply.status === 403, reply.text);
      if (reply.status === 403) assert.equal(reply.body.errors, ['permission denied']);
      return reply.status === 200;
    },
    policy: async (name, policy) => {
      const reply = await node.call('PUT', `sys/policies/acl/${name}`, { policy });
      assert.is(reply.status, 204, reply.text);
    },
  };
  return calls;
};

export const refusedWith = (reply: Reply, status: number, text: string): void => {
  assert.is(reply.status, status, reply.text);
  assert.ok(
    reply.body.errors.some((error: string) => error.includes(text)),
    reply.text,
  );
};

/** What `ask` comes to, if the token is revoked, and `after` done, between the look at its permission and at the ledger's head. */
export const revokedMeanwhile = async (
  node: TestNode,
  token: string,
  after: () => Promise<unknown>,
  ask: () => Promise<Reply>,
): Promise<Reply> => {
  const { session } = node.program.nexus;
  assert.ok(session);
  const { catchUp } = session;
  let revoked = false;
  session.catchUp = async () => {
    session.catchUp = catchUp;
    assert.is((await node.call('POST', 'auth/token/revoke', { token })).status, 204);
    revoked = true;
    await after();
    await session.catchUp();
  };
  const reply = await ask();
  assert.ok(revoked, 'the head was looked at');
  return reply;
};

/** Runs `work` while every clock of this process is `seconds` ahead: of the servers in it, not of the database. */
export const later = async <T>(seconds: number, work: () => Promise<T>): Promise<T> => {
  const real = Date.now;
  Date.now = () => real() + seconds * 1000;
  try {
    return await work();
  } finally {
    Date.now = real;
  }
};
