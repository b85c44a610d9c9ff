/** The OpenAPI document and the server say the same: what is described is served, and nothing else is. */
import * as assert from 'uvu/assert';
import type { DescribedVerb, FieldType, Route } from '../../src/http/openapi/route.js';
import { ROUTES, templateOf } from '../../src/http/openapi/routes.js';
import { type Json, type Reply, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { enableEvery, mountPathOf } from './support/described.js';

let cluster: TestCluster;
let node: TestNode;
let document: Json;

const METHODS: Readonly<Record<DescribedVerb, string>> = {
  ...{ read: 'GET', list: 'LIST', write: 'POST', patch: 'PATCH', delete: 'DELETE' },
};
const VERBS: readonly DescribedVerb[] = ['read', 'list', 'write', 'patch', 'delete'];

const SAMPLES: Readonly<Record<FieldType, unknown>> = {
  ...{ string: 'x', integer: 1, number: 1, boolean: false, duration: '1h', strings: ['x'], integers: [1] },
  ...{ map: { x: 'y' }, object: { x: 'y' }, any: 'x' },
};

const pathOf = (route: Route): string =>
  templateOf(route)
    .replace(/\{\w+_mount_path\*\}/, mountPathOf(route.mount ?? ''))
    .replace(/\{\w+\*?\}/g, 'x');

/** What ends its caller's token is asked with another one. */
const tokenFor = async ({ path }: Route): Promise<string> =>
  path.includes('revoke')
    ? (await node.call('POST', 'auth/token/create', { policies: ['root'] })).body.auth.client_token
    : cluster.rootToken;

const ask = async (route: Route, verb: DescribedVerb): Promise<Reply> => {
  const token = await tokenFor(route);
  const fields = Object.entries(route.verbs[verb]?.fields ?? {});
  const sample = Object.fromEntries(fields.map(([name, type]) => [name, name === 'mount' ? 'secret' : SAMPLES[type]]));
  const headers = verb === 'patch' ? { 'content-type': 'application/merge-patch+json' } : {};
  const body = verb === 'write' || verb === 'patch' ? sample : undefined;
  return node.call(METHODS[verb], pathOf(route), body, { token, headers });
};

const isServed = ({ status, text }: Reply): boolean =>
  status !== 405 && !/unsupported path|no handler for route/.test(text);

/** Sealing comes last. */
const others = ROUTES.filter(({ path }) => path !== 'sys/seal');

describe('the OpenAPI document', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    await enableEvery(node);
    const reply = await node.call('GET', 'sys/internal/specs/openapi', undefined, { token: null });
    assert.is(reply.status, 200);
    document = reply.body;
  });

  test('names each parameter of a path, each response, and each operation by an id of its own', () => {
    const ids: string[] = [];
    for (const [path, item] of Object.entries<Json>(document.paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      assert.equal(
        (item.parameters ?? []).map(({ name }: Json) => name),
        named,
        path,
      );
      for (const [method, operation] of Object.entries<Json>(item)) {
        if (method === 'parameters') continue;
        ids.push(operation.operationId);
        for (const { $ref } of Object.values<Json>(operation.responses))
          assert.ok(document.components.responses[$ref.split('/').at(-1)], $ref);
      }
    }
    assert.ok(ids.length > 80, `${ids.length} operations`);
    assert.is(new Set(ids).size, ids.length);
  });

  test('says nothing of this server', () => {
    assert.not.match(JSON.stringify(document), /"\/secret\//);
  });

  test('describes only what is served', async () => {
    const missing: string[] = [];
    for (const route of others)
      for (const verb of VERBS) {
        if (route.verbs[verb] === undefined) continue;
        const reply = await ask(route, verb);
        if (!isServed(reply)) missing.push(`${verb} ${pathOf(route)}: ${reply.status} ${reply.text}`);
      }
    assert.equal(missing, [], missing.join('\n'));
  });

  test('leaves out no verb that a described route has', async () => {
    const found: string[] = [];
    for (const route of others)
      for (const verb of VERBS) {
        if (route.verbs[verb] !== undefined) continue;
        const reply = await ask(route, verb).catch((error: Error) => error.message);
        if (typeof reply === 'string' || reply.status < 300) found.push(`${verb} ${pathOf(route)}`);
      }
    assert.equal(found, []);
  });

  test('holds the route that seals', async () => {
    assert.is((await node.call('POST', 'sys/seal')).status, 204);
    assert.ok(ROUTES.some(({ path, verbs }) => path === 'sys/seal' && verbs.write !== undefined));
  });
});
