/** Wrapped answers in tests: asked for, looked up, unwrapped. */
import * as assert from 'uvu/assert';
import type { Json, Reply, TestNode } from '../../support/cluster.js';

export interface WrappingCalls {
  /** The `wrap_info` of a call that asks for wrapping, as root or `token`. */
  wrap(method: string, path: string, body?: unknown, options?: WrapOptions): Promise<Json>;
  /** With the wrapping token as the caller's own. */
  unwrap(token: string): Promise<Reply>;
  lookup(token: string): Promise<Reply>;
}

export interface WrapOptions {
  readonly token?: string | null;
  readonly ttl?: string;
}

export const wrappingCalls = (node: TestNode): WrappingCalls => ({
  wrap: async (method, path, body, { token, ttl = '5m' } = {}) => {
    const headers = { 'x-vault-wrap-ttl': ttl };
    const reply = await node.call(method, path, body, { headers, ...(token === undefined ? {} : { token }) });
    assert.is(reply.status, 200, reply.text);
    assert.ok(reply.body.wrap_info, reply.text);
    return reply.body.wrap_info;
  },
  unwrap: token => node.call('POST', 'sys/wrapping/unwrap', undefined, { token }),
  lookup: token => node.call('POST', 'sys/wrapping/lookup', { token }, { token: null }),
});
