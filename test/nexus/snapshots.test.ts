/** Snapshots of authority: what starts from one is what was folded from the first event, and a bad one is as none. */
import * as assert from 'uvu/assert';
import type { Authority } from '../../src/authority/authority.js';
import { writeSnapshot } from '../../src/nexus/snapshots.js';
import { type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { withMeanwhile } from '../support/meanwhile.js';

let cluster: TestCluster;
let node: TestNode;

const sessionOf = (of: TestNode) => {
  const { session } = of.program.nexus;
  if (session === null) throw new Error('the node is sealed');
  return session;
};

const done = async (method: string, path: string, fields?: object): Promise<void> => {
  const reply = await node.call(method, path, fields);
  assert.ok(reply.status < 300, `${method} ${path}: ${reply.status} ${reply.text}`);
};

/** Whatever decides access, as JSON. */
const shown = (authority: Authority): unknown => {
  const now = Date.now() * 1000;
  const sorted = (values: Iterable<unknown>): readonly string[] =>
    [...values].map(value => JSON.stringify(value)).sort();
  return {
    tokens: sorted(authority.tokens.all(now)),
    entities: sorted(authority.entities.values()),
    roles: sorted(authority.roles.values()),
    logins: sorted(authority.logins.values()),
    secretIds: sorted(authority.secretIds.values()),
    quotas: sorted(authority.quotas.entries()),
    config: sorted(authority.config.entries()),
    holds: sorted(authority.holds.values()),
    mounts: sorted(authority.mounts.all.map(({ indexKey, ...mount }) => ({ ...mount, key: indexKey.toString('hex') }))),
    highest: authority.mounts.highestNumber,
    policies: authority.policies.names().map(name => [name, authority.policies.get(name)]),
    slots: sorted(authority.slots.values()),
    keystore: JSON.stringify({ ...authority.keystore, checks: [...(authority.keystore?.checks ?? [])] }),
    position: authority.position,
    times: [authority.createdAt, authority.epochOpenedAt],
  };
};

const partsOf = async (): Promise<readonly { position: string; part: number; parts: number }[]> =>
  (await (await cluster.db.client()).query('select position, part, parts from snapshots order by position, part')).rows;

/** Everything that this node has to record is recorded, and it knows of everything that others did. */
const quiet = async (): Promise<void> => {
  await sessionOf(node).recorder.flush();
  await sessionOf(node).catchUp();
};

/** Roles with secret ids that live, were spent, removed, and ended with their role; users with other passwords; logins. */
const machinesAndPeople = async (): Promise<void> => {
  for (const name of ['one', 'two']) {
    await done('POST', `auth/machines/role/${name}`, { token_policies: 'team' });
    for (let n = 0; n < 3; n += 1) await done('POST', `auth/machines/role/${name}/secret-id`, { num_uses: 3 });
  }
  const secretId = async (fields: object) =>
    (await node.call('POST', 'auth/machines/role/one/secret-id', fields)).body.data;
  const { role_id } = (await node.call('GET', 'auth/machines/role/one/role-id')).body.data;
  for (const num_uses of [1, 2]) {
    const { secret_id } = await secretId({ num_uses });
    await done('POST', 'auth/machines/login', { role_id, secret_id });
  }
  await done('POST', 'auth/machines/role/one/secret-id/destroy', { secret_id: (await secretId({})).secret_id });
  await done('DELETE', 'auth/machines/role/two');
  await done('POST', 'auth/machines/role/two', {});
  await done('POST', 'sys/auth/people', { type: 'userpass' });
  for (const password of ['first', 'second']) await done('POST', 'auth/people/users/ann', { password });
  await done('POST', 'auth/people/users/ann', { token_policies: 'team' });
  await done('POST', 'auth/people/users/bob', { password: 'gone' });
  await done('DELETE', 'auth/people/users/bob');
  await done('POST', 'auth/people/login/ann', { password: 'second' });
};

describe('a snapshot of authority', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    await done('POST', 'sys/policies/acl/team', { policy: 'path "secret/data/*" { capabilities = ["read"] }' });
    await done('POST', 'sys/policies/acl/team', { policy: 'path "secret/data/team/*" { capabilities = ["read"] }' });
    await done('POST', 'sys/policies/acl/gone', { policy: 'path "secret/*" { capabilities = ["list"] }' });
    await done('DELETE', 'sys/policies/acl/gone');
    await done('POST', 'sys/auth/machines', { type: 'approle' });
    await done('POST', 'sys/auth/machines/tune', { description: 'of the team', default_lease_ttl: '1h' });
    await done('POST', 'sys/auth/short-lived', { type: 'jwt' });
    await done('DELETE', 'sys/auth/short-lived');
    await done('POST', 'auth/token/roles/deploy', { allowed_policies: ['team'] });
    await machinesAndPeople();
    for (let n = 0; n < 8; n += 1) await done('POST', 'auth/token/create', { policies: ['team'], meta: { n: `${n}` } });
    const { auth } = (await node.call('POST', 'auth/token/create', { policies: ['team'], num_uses: 3 })).body;
    await node.call('GET', 'auth/token/lookup-self', undefined, { token: auth.client_token });
    const { auth: parent } = (await node.call('POST', 'auth/token/create', { policies: ['root'] })).body;
    await node.call('POST', 'auth/token/create', { policies: ['team'] }, { token: parent.client_token });
    await done('POST', 'auth/token/revoke-accessor', { accessor: parent.accessor });
  });
  test.after(() => cluster.stop());

  test('starts a node with exactly what was folded', async () => {
    assert.type(await writeSnapshot(sessionOf(node)), 'number');
    const other = await cluster.newNode();
    assert.ok(sessionOf(other).snapshotCount > 20);
    assert.equal(shown(sessionOf(other).authority), shown(sessionOf(node).authority));
    assert.is((await other.call('GET', 'auth/token/lookup-self')).status, 200);
    assert.is((await other.call('POST', 'auth/people/login/ann', { password: 'second' })).status, 200);
    assert.is((await other.call('LIST', 'auth/machines/role/two/secret-id')).status, 404);
    await other.stop();
  });

  test('is gone on with: what came after it is folded on top', async () => {
    await done('POST', 'sys/policies/acl/later', { policy: 'path "secret/data/later" { capabilities = ["read"] }' });
    const { auth } = (await node.call('POST', 'auth/token/create', { policies: ['later'] })).body;
    const other = await cluster.newNode();
    assert.ok(sessionOf(other).snapshotCount > 20);
    assert.equal(shown(sessionOf(other).authority), shown(sessionOf(node).authority));
    const self = await other.call('GET', 'auth/token/lookup-self', undefined, { token: auth.client_token });
    assert.is(self.status, 200);
    await other.stop();
  });

  test('is written while others go on writing, and what is not in it is folded on top', async () => {
    const another = await cluster.newNode();
    const { known, reader } = sessionOf(node);
    let over = (): void => undefined;
    // The head moves; and then authority does, by a read, while the head stays where it is as long as it has no turn.
    const moving = async (): Promise<void> => {
      await done('POST', 'secret/data/meanwhile', { data: { v: 1 } });
      void known.exclusive(
        () =>
          new Promise<void>(resolve => {
            over = resolve;
          }),
      );
      const policy = 'path "secret/data/meanwhile" { capabilities = ["read"] }';
      assert.is((await another.call('POST', 'sys/policies/acl/meanwhile', { policy })).status, 204);
      await reader.refresh();
      assert.ok(known.authorityCount > known.head.authorityCount);
    };
    try {
      const written = await withMeanwhile(cluster.db, 'snapshots', () => writeSnapshot(sessionOf(node)), moving);
      assert.type(written, 'number');
    } finally {
      over();
    }
    await another.stop();
    const other = await cluster.newNode();
    assert.is(sessionOf(other).snapshotCount, known.authorityCount);
    assert.equal(shown(sessionOf(other).authority), shown(sessionOf(node).authority));
    await other.stop();
  });

  test('is not written twice for the same head, and of older ones one is kept', async () => {
    for (let n = 0; n < 3; n += 1) {
      await done('POST', 'sys/policies/acl/again', { policy: `path "secret/${n}" { capabilities = ["read"] }` });
      await quiet();
      assert.type(await writeSnapshot(sessionOf(node)), 'number');
      assert.is(await writeSnapshot(sessionOf(node)), null);
    }
    assert.is(new Set((await partsOf()).map(({ position }) => position)).size, 2);
  });

  test('that was changed, or is not whole, is as none: the older one serves, or all is folded', async () => {
    const sql = await cluster.db.client();
    const newest = (await partsOf()).at(-1);
    await sql.query('update snapshots set box = set_byte(box, 100, get_byte(box, 100) # 1) where position = $1', [
      newest?.position,
    ]);
    const second = await cluster.newNode();
    assert.ok(second.log.some(line => line.includes('snapshot')));
    assert.ok(sessionOf(second).snapshotCount > 0);
    assert.equal(shown(sessionOf(second).authority), shown(sessionOf(node).authority));
    await second.stop();
    await sql.query('delete from snapshots where part = 2');
    const third = await cluster.newNode();
    assert.is(sessionOf(third).snapshotCount, 0);
    assert.equal(shown(sessionOf(third).authority), shown(sessionOf(node).authority));
    await third.stop();
    await done('POST', 'sys/policies/acl/again', { policy: 'path "secret/x" { capabilities = ["read"] }' });
    assert.type(await writeSnapshot(sessionOf(node)), 'number');
    const parts = await partsOf();
    assert.is(parts.length, parts[0]?.parts, 'what was not whole went');
  });

  test('of another place in the history is not taken: a box opens as of its own head only', async () => {
    const sql = await cluster.db.client();
    const [first] = await partsOf();
    await done('POST', 'sys/policies/acl/again', { policy: 'path "secret/y" { capabilities = ["read"] }' });
    const size = sessionOf(node).known.head.size;
    await sql.query('update snapshots set position = $1 where position = $2', [size, first?.position]);
    const other = await cluster.newNode();
    assert.is(sessionOf(other).snapshotCount, 0);
    assert.equal(shown(sessionOf(other).authority), shown(sessionOf(node).authority));
    await other.stop();
  });
});
