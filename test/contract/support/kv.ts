/** KV calls in tests. */
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import { E } from '../../../src/fp.js';
import { type Query, query } from '../../../src/sql.js';
import type { CallOptions, Json, Reply, TestNode } from '../../support/cluster.js';

/** Tests whose titles all begin with what they are about: several subjects share one cluster. */
export type About = (title: string, run: () => void | Promise<void>) => void;
export const about =
  (test: Test, subject: string): About =>
  (title, run) =>
    test(`${subject} ${title}`, run);

export const MERGE = { headers: { 'content-type': 'application/merge-patch+json' } };

export interface KvCalls {
  get(path: string, options?: CallOptions): Promise<Reply>;
  post(path: string, fields?: Json, options?: CallOptions): Promise<Reply>;
  patch(path: string, fields: Json, options?: CallOptions): Promise<Reply>;
  remove(path: string): Promise<Reply>;
  /** Mounts an engine, which must be accepted. */
  enable(path: string, fields: object): Promise<void>;
  /** Writes versions one after the other, each of which must be accepted. */
  versions(path: string, ...data: readonly Json[]): Promise<void>;
  /** The value as it reads now; text, for numbers. */
  text(path: string): Promise<string>;
  head(): Promise<number>;
  /** How many events changed something: records of requests come when they come. */
  changes(): Promise<number>;
}

const changes: Query<number> = query(
  null,
  ({ n }) => (typeof n === 'number' ? E.right(n) : E.left('n')),
  'select count(*)::integer as n from events where lane < 2',
);

export const kvCalls = (node: TestNode): KvCalls => {
  const calls: KvCalls = {
    get: (path, options) => node.call('GET', path, undefined, options),
    post: (path, fields = {}, options) => node.call('POST', path, fields, options),
    patch: (path, fields, { headers, ...options } = {}) =>
      node.call('PATCH', path, fields, { ...options, headers: { ...MERGE.headers, ...headers } }),
    remove: path => node.call('DELETE', path),
    enable: async (path, fields) => {
      const reply = await calls.post(`sys/mounts/${path}`, fields);
      assert.is(reply.status, 204, reply.text);
    },
    versions: async (path, ...data) => {
      for (const each of data) {
        const reply = await calls.post(path, typeof each === 'string' ? `{"data":${each}}` : { data: each });
        assert.is(reply.status, 200, reply.text);
      }
    },
    text: async path => {
      const reply = await calls.get(path);
      assert.is(reply.status, 200, reply.text);
      return /"data":\{"data":(.*),"metadata":\{"created_time"/s.exec(reply.text)?.[1] ?? '';
    },
    head: async () => (await calls.get('sys/ledger/head')).body.data.position,
    changes: async () => (await node.database.writer.run(changes))[0] ?? 0,
  };
  return calls;
};

/** A plain miss, and nothing else: clients crash on a `data` member here. */
export const nothingThere = (reply: Reply): void => {
  assert.is(reply.status, 404, reply.text);
  assert.equal(reply.body, { errors: [] });
};

/** A miss that command lines tell by its empty body. */
export const emptyMiss = (reply: Reply): void => {
  assert.is(reply.status, 404, reply.text);
  assert.is(reply.text, '');
  assert.is(reply.headers.get('content-type'), 'application/json');
};
