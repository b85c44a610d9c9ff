/** The page on endpoints, the OpenAPI document and the server say the same. */
import * as assert from 'uvu/assert';
import type { Route } from '../../src/http/openapi/route.js';
import { ROUTES } from '../../src/http/openapi/routes.js';
import { readPage } from '../docs/support/pages.js';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

interface Row {
  readonly path: string;
  readonly methods: readonly string[];
  /** yes, differs, ours; or the status that stands behind `no`. */
  readonly state: string;
}

const WORDS = { read: 'GET', list: 'LIST', write: 'POST', patch: 'PATCH', delete: 'DELETE' } as const;
const MOUNTS: Readonly<Record<string, string>> = { kv: 'M', 'kv-v1': 'M1' };

const page = readPage('docs/reference/endpoints.md');

const rows: readonly Row[] = page.prose.flatMap(line => {
  const [, paths = '', methods = '', state = ''] = line.split('|').map(cell => cell.trim());
  return [...paths.matchAll(/`([^`]+)`/g)].map(([, path = '']) => ({ path, methods: methods.split(', '), state }));
});
const absent = rows.filter(({ state }) => state.startsWith('no'));
const present = rows.filter(({ state }) => !state.startsWith('no'));

const nameOf = ({ path, mount }: Route): string => {
  const prefix = mount === undefined ? null : (MOUNTS[mount] ?? mount);
  return [prefix, path].filter(part => part !== null && part !== '').join('/');
};

const line = (path: string, methods: Iterable<string>): string => `${path} ${[...methods].sort().join(' ')}`;

let cluster: TestCluster;

describe('the page on endpoints', test => {
  test.before(async () => {
    cluster = await testCluster();
  });

  test('has each route that is described, with its methods, once, and no other', () => {
    const described = ROUTES.map(route =>
      line(
        nameOf(route),
        (['read', 'list', 'write', 'patch', 'delete'] as const).flatMap(verb =>
          route.verbs[verb] === undefined ? [] : WORDS[verb],
        ),
      ),
    );
    assert.equal(present.map(({ path, methods }) => line(path, methods)).sort(), described.sort());
    assert.ok(described.length > 120);
  });

  test('says of each whether it is as elsewhere', () => {
    for (const { path, state } of present) assert.ok(['yes', 'differs', 'ours'].includes(state), `${path}: ${state}`);
    for (const { path, state } of absent) assert.match(state, /^no: \d{3}$/, path);
  });

  for (const { path, methods, state } of absent)
    test(`is right that ${path} is not here: ${state}`, async () => {
      const asked = methods[0] === 'all' ? ['GET', 'LIST', 'POST', 'DELETE'] : methods;
      for (const method of asked) {
        const reply = await cluster.node.call(
          method,
          path.replace(/\{\w+\*?\}/g, 'x'),
          method === 'POST' ? {} : undefined,
        );
        assert.is(`no: ${reply.status}`, state, `${method} ${reply.text}`);
        assert.ok(reply.body.errors.length > 0, `${method} ${reply.text}`);
      }
    });
});
