/** Mounts of secrets: several at chosen paths, each with names of its own, on every node at once, and gone when disabled. */
import * as t from 'io-ts';
import * as assert from 'uvu/assert';
import { randomUuid4 } from '../../src/crypto/random.js';
import { openPlan, sealPlan } from '../../src/operations/ledger/plan-box.js';
import { type Json, type Reply, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { type KvCalls, kvCalls, nothingThere } from './support/kv.js';
import { refusedWith } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let kv: KvCalls;

describe('mounts of secrets', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    kv = kvCalls(node);
  });
  test.after(() => cluster.stop());

  const kept: readonly (readonly [path: string, fields: object, type: string, options: object | null])[] = [
    ['as-kv', { type: 'kv' }, 'kv', null],
    ['as-kv1', { type: 'kv', options: { version: 1 } }, 'kv', { version: '1' }],
    ['as-kv2', { type: 'kv', options: { version: '2' } }, 'kv', { version: '2' }],
    ['as-kv-v1', { type: 'kv-v1' }, 'kv', { version: '1' }],
    ['as-kv-v2', { type: 'kv-v2', description: 'of a team' }, 'kv', { version: '2' }],
    ['as-generic', { type: 'generic' }, 'generic', null],
    ['deep/er/path', { type: 'kv-v2', config: { default_lease_ttl: '1h' } }, 'kv', { version: '2' }],
  ];
  for (const [path, fields, type, options] of kept)
    test(`${JSON.stringify(fields)} at ${path} is kept as ${type} with ${JSON.stringify(options)}`, async () => {
      await kv.enable(path, fields);
      const { data } = (await kv.get(`sys/mounts/${path}`)).body;
      assert.is(data.type, type);
      assert.equal(data.options, options);
      assert.match(data.accessor, new RegExp(`^${type}_[0-9a-f]{8}$`));
      assert.ok((await kv.get('sys/mounts')).body[`${path}/`]);
    });

  test('hold secrets of the same path apart', async () => {
    await kv.versions('as-kv2/data/a/b', { from: 'kv2' });
    await kv.versions('deep/er/path/data/a/b', { from: 'deep' });
    await kv.post('as-kv1/a/b', { from: 'kv1' });
    nothingThere(await kv.get('secret/data/a/b'));
    assert.is((await kv.get('as-kv2/data/a/b')).body.data.data.from, 'kv2');
    assert.is((await kv.get('deep/er/path/data/a/b')).body.data.data.from, 'deep');
    assert.is((await kv.get('as-kv1/a/b')).body.data.from, 'kv1');
    assert.equal((await node.call('LIST', 'deep/er/path/metadata/a')).body.data.keys, ['b']);
  });

  test('bring a name key into the keyring, and the trail says so', async () => {
    const found = await kv.get('sys/ledger/events?type=keystore.changed&limit=1000');
    const changed = found.body.data.events.filter((event: Json) => event.keyring_added !== undefined);
    assert.is(changed.length, kept.length);
    assert.is(changed[0].keyring_added[0].kind, 2);
    const mounted = (await kv.get('sys/ledger/events?type=mount.enabled&limit=1000')).body.data.events.at(-1);
    assert.is(mounted.op, 'mount.enable');
    assert.is(mounted.position + 1, changed.at(-1).position);
  });

  const refused: readonly (readonly [path: string, fields: object, text: string])[] = [
    ['x', {}, 'backend type must be specified as a string'],
    ['x', { type: 'nope' }, 'plugin not found in the catalog: nope'],
    ['x', { type: 'approle' }, 'plugin not found in the catalog: approle'],
    ['secret', { type: 'kv' }, 'path is already in use at secret/'],
    ['secret/below', { type: 'kv' }, 'path is already in use at secret/'],
    ['deep', { type: 'kv' }, 'path is already in use at deep/er/path/'],
    ['sys/foo', { type: 'kv' }, 'cannot mount "sys/foo/"'],
    ['sys', { type: 'kv' }, 'cannot mount "sys/"'],
    ['cubbyhole', { type: 'kv' }, 'cannot mount "cubbyhole/"'],
    ['auth/x', { type: 'kv' }, 'cannot mount "auth/x/"'],
    ['identity', { type: 'kv' }, 'cannot mount "identity/"'],
    ['audit', { type: 'kv' }, 'cannot mount "audit/"'],
    ['x', { type: 'kv', options: { version: '3' } }, 'the version of a kv mount is 1 or 2'],
    ['x', { type: 'kv', options: { max_versions: '3' } }, "write it to the mount's config"],
    ['x', { type: 'kv', options: 'text' }, 'error converting input for field "options"'],
    [
      'x',
      { type: 'kv', config: { default_lease_ttl: '2h', max_lease_ttl: '1h' } },
      'given default lease TTL greater than given max lease TTL',
    ],
    ['x/', { type: 'kv' }, "cannot write to a path ending in '/'"],
  ];
  for (const [path, fields, text] of refused)
    test(`${path} ${JSON.stringify(fields)} is refused: ${text}`, async () => {
      refusedWith(await kv.post(`sys/mounts/${path}`, fields), 400, text);
      refusedWith(await kv.get('sys/mounts/x'), 400, 'No secret engine mount at x/');
    });

  test('six at once on different paths all come, on one path one does', async () => {
    const apart = await Promise.all(
      Array.from({ length: 6 }, (_, i) => kv.post(`sys/mounts/many${i}`, { type: 'kv' })),
    );
    assert.equal([...new Set(apart.map(({ status }) => status))], [204]);
    const same = await Promise.all(Array.from({ length: 6 }, () => kv.post('sys/mounts/raced', { type: 'kv-v2' })));
    assert.equal(same.map(({ status }) => status).sort(), [204, 400, 400, 400, 400, 400]);
    for (let i = 0; i < 6; i += 1) assert.is((await kv.post(`many${i}/a`, { i })).status, 204);
  });

  test('need a policy', async () => {
    await node.call('PUT', 'sys/policies/acl/one', { policy: 'path "sys/mounts/mine" { capabilities = ["update"] }' });
    const { client_token: token } = (await kv.post('auth/token/create', { policies: ['one'] })).body.auth;
    assert.is((await kv.post('sys/mounts/mine', { type: 'kv' }, { token })).status, 204);
    refusedWith(await kv.post('sys/mounts/yours', { type: 'kv' }, { token }), 403, 'permission denied');
  });

  test('that are disabled hide what they held, and begin empty when they come again', async () => {
    await kv.enable('again', { type: 'kv-v2' });
    await kv.versions('again/data/a', { v: 1 });
    const head = await kv.head();
    assert.is((await kv.remove('sys/mounts/again')).status, 204);
    refusedWith(await kv.get('again/data/a'), 404, 'no handler for route "again/data/a". route entry not found.');
    refusedWith(await node.call('LIST', 'again/metadata'), 404, 'no handler for route "again/metadata/"');
    await kv.enable('again', { type: 'kv-v2' });
    nothingThere(await kv.get('again/data/a'));
    nothingThere(await node.call('LIST', 'again/metadata'));
    nothingThere(await kv.get(`again/data/a?position=${head}`));
    await kv.versions('again/data/a', { v: 'new' });
    assert.is((await kv.get('again/data/a')).body.data.metadata.version, 1);
    assert.is((await kv.remove('sys/mounts/again')).status, 204);
    assert.is((await kv.remove('sys/mounts/again')).status, 204, 'and again without complaint');
  });

  test('that are disabled stay in the trail under their path, also when another one is there', async () => {
    await kv.enable('audited', { type: 'kv-v2' });
    await kv.versions('audited/data/a', { v: 1 });
    await kv.remove('sys/mounts/audited');
    const written = async (path: string): Promise<number> =>
      (await kv.get(`sys/ledger/events?path=${path}&type=secret.written`)).body.data.events.length;
    for (const path of ['audited/a', 'audited/data/a', 'audited', 'audited/']) assert.is(await written(path), 1, path);
    await kv.enable('audited', { type: 'kv-v2' });
    await kv.versions('audited/data/a', { v: 2 });
    for (const path of ['audited/a', 'audited/data/a', 'audited', 'audited/']) assert.is(await written(path), 2, path);
  });

  test('take no write after the event that disables them, however many come at once', async () => {
    await kv.enable('closing', { type: 'kv-v2' });
    const before = await kv.head();
    const write = (i: number) => kv.post(`closing/data/k${i}`, { data: { i } });
    const some = Array.from({ length: 10 }, (_, i) => write(i));
    const closed = kv.remove('sys/mounts/closing');
    const more = Array.from({ length: 10 }, (_, i) => write(10 + i));
    const replies = await Promise.all([...some, ...more]);
    assert.equal(
      replies.filter(({ status }) => status !== 200 && status !== 404),
      [],
    );
    const disabledAt = Number((await closed).headers.get('x-tallystick-position'));
    const found = await kv.get(`sys/ledger/events?type=secret.written&after=${before}&path=closing`);
    const positions: number[] = found.body.data.events.map((event: Json) => event.position);
    assert.is(positions.length, replies.filter(({ status }) => status === 200).length);
    assert.ok(
      positions.every(position => position < disabledAt),
      `${positions} before ${disabledAt}`,
    );
  });

  test('are there, and gone, on another node at once', async () => {
    const other = kvCalls(await cluster.newNode());
    await kv.enable('shared', { type: 'kv-v2' });
    await other.versions('shared/data/a', { v: 1 });
    assert.is((await kv.get('shared/data/a')).body.data.data.v, 1);
    await other.post('sys/mounts/theirs', { type: 'kv-v2' });
    await kv.versions('theirs/data/a', { v: 2 });
    assert.is((await other.get('theirs/data/a')).body.data.data.v, 2);
    assert.is((await kv.remove('sys/mounts/shared')).status, 204);
    refusedWith(await other.get('shared/data/a'), 404, 'no handler');
    assert.is((await kv.remove('sys/mounts/theirs')).status, 204);
    refusedWith(await other.post('theirs/data/a', { data: { v: 3 } }), 404, 'no handler');
  });

  test('do not lie where auditors may read', async () => {
    const { client_token: token } = (await kv.post('auth/token/create', { policies: ['auditor'] })).body.auth;
    await kv.enable('unseen', { type: 'kv' });
    await kv.post('unseen/data/a', { v: 1 });
    for (const path of ['unseen-too/metadata', 'unseen-too/metadata/deep']) {
      refusedWith(await kv.post(`sys/mounts/${path}`, { type: 'kv-v2' }), 400, 'auditors may read');
      refusedWith(await kv.post('sys/remount', { from: 'unseen', to: path }), 400, 'auditors may read');
      refusedWith(await kv.get(`${path}/data/a`, { token }), 404, 'no handler');
    }
    await kv.enable('unseen-too/team/metadata', { type: 'kv-v2' });
    await kv.versions('unseen-too/team/metadata/data/a', { v: 1 });
    refusedWith(await kv.get('unseen-too/team/metadata/data/a', { token }), 403, 'permission denied');
  });

  test('keep their name keys through a seal and a new start', async () => {
    await kv.enable('lasting', { type: 'kv-v2' });
    await kv.versions('lasting/data/some/name', { v: 1 });
    await kv.post('sys/seal');
    assert.is((await kv.post('sys/unseal', { key: cluster.key }, { token: null })).status, 200);
    assert.equal((await node.call('LIST', 'lasting/metadata/some')).body.data.keys, ['name']);
    assert.is((await kv.get('lasting/data/some/name')).body.data.data.v, 1);
  });

  test('of version 1 become version 2 by tuning, and never go back', async () => {
    await kv.enable('grows', { type: 'kv' });
    await kv.post('grows/a', { v: 1.0 });
    await kv.post('grows/a', { v: 2 });
    assert.is((await kv.post('sys/mounts/grows/tune', { options: { version: '2' } })).status, 204);
    const now = (await kv.get('grows/data/a')).body.data;
    assert.equal(now.data, { v: 2 });
    assert.is(now.metadata.version, 2, 'it keeps its number');
    await kv.versions('grows/data/a', { v: 3 });
    assert.equal(Object.keys((await kv.get('grows/metadata/a')).body.data.versions), ['2', '3']);
    refusedWith(
      await kv.post('sys/mounts/grows/tune', { options: { version: '1' } }),
      400,
      'cannot downgrade mount from version 2',
    );
    assert.equal((await kv.get('sys/mounts/grows')).body.data.options, { version: '2' });
    refusedWith(
      await kv.post('sys/mounts/as-generic/tune', { options: { version: '2' } }),
      400,
      'the version of a mount of this type cannot be changed',
    );
  });

  for (const kind of ['restore', 'erase'])
    test(`are spared by a plan to ${kind} another, whose path they took before it or during it`, async () => {
      const { session } = node.program.nexus;
      assert.ok(session);
      const { appender } = session;
      const submit = appender.submit.bind(appender);
      const [planned, spared, left] = [`${kind}-planned`, `${kind}-spared`, `${kind}-left`];
      const position = await kv.head();
      for (const path of [planned, spared]) {
        await kv.enable(path, { type: 'kv-v2' });
        await kv.versions(`${path}/data/a`, { of: path });
      }
      const trade = async (from: string, to: string): Promise<void> => {
        for (const step of [
          { from: planned, to: left },
          { from, to },
        ])
          assert.is((await kv.post('sys/remount', step)).status, 200);
      };
      const plan = async (): Promise<string> => {
        const fields = { mount: planned, path: 'a', ...(kind === 'erase' ? { basis: 'b' } : { position }) };
        const reply = await kv.post(`sys/ledger/${kind}/plan`, fields);
        assert.is(reply.status, 200, reply.text);
        return reply.body.data.plan_id;
      };
      const before = await plan();
      await trade(spared, planned);
      refusedWith(await kv.post(`sys/ledger/${kind}/apply`, { plan_id: before }), 409, 'the mount of the plan');
      assert.equal((await kv.get(`${planned}/data/a`)).body.data.data, { of: spared });
      const during = await plan();
      appender.submit = async command => {
        appender.submit = submit;
        await kv.post('sys/remount', { from: planned, to: spared });
        return submit(command);
      };
      refusedWith(await kv.post(`sys/ledger/${kind}/apply`, { plan_id: during }), 409, 'make a new one');
      assert.equal((await kv.get(`${spared}/data/a`)).body.data.data, { of: spared });
    });

  for (const [kind, fields] of [
    ['holds', {}],
    ['retention', { minimum_age: '1h' }],
  ] as const)
    test(`are not covered by ${kind} that meant the mount which was at their path before`, async () => {
      const { session } = node.program.nexus;
      assert.ok(session);
      const { appender } = session;
      const submit = appender.submit.bind(appender);
      await kv.enable(kind, { type: 'kv-v2' });
      const cover = () =>
        kv.post(
          `sys/ledger/${kind}/covering`,
          { ...fields, mount: kind, path: '/' },
          { headers: { 'x-tallystick-reason': 'case 17' } },
        );
      appender.submit = async command => {
        appender.submit = submit;
        assert.is((await kv.post('sys/remount', { from: kind, to: `${kind}-before` })).status, 200);
        await kv.enable(kind, { type: 'kv-v2' });
        return submit(command);
      };
      refusedWith(await cover(), 404, 'no handler');
      await kv.versions(`${kind}/data/a`, { v: 1 });
      assert.is((await cover()).status, 204);
      assert.is((await kv.post(`${kind}/destroy/a`, { versions: [1] })).status, 409);
    });

  test('can be restored to a moment like secret/', async () => {
    await kv.enable('restorable', { type: 'kv-v2' });
    await kv.versions('restorable/data/a', { v: 1 });
    const position = await kv.head();
    await kv.versions('restorable/data/a', { v: 2 });
    const plan = await kv.post('sys/ledger/restore/plan', { mount: 'restorable', path: 'a', position });
    assert.is(plan.status, 200, plan.text);
    const applied = await kv.post('sys/ledger/restore/apply', { plan_id: plan.body.data.plan_id });
    assert.is(applied.status, 200, applied.text);
    assert.is((await kv.get('restorable/data/a')).body.data.data.v, 1);
  });

  test('are restored once by a plan with its Idempotency-Key, and never in part with success', async () => {
    const { session } = node.program.nexus;
    assert.ok(session);
    await kv.enable('keyed', { type: 'kv-v2' });
    const position = await kv.head();
    await kv.versions('keyed/data/a', { v: 1 });
    const reply = await kv.post('sys/ledger/restore/plan', { mount: 'keyed', path: '/', position });
    const plan_id: string = reply.body.data.plan_id;
    const apply = (id: string, key: string): Promise<Reply> =>
      kv.post('sys/ledger/restore/apply', { plan_id: id }, { headers: { 'idempotency-key': key } });
    // As a plan of two commits whose server died after the first.
    const whole = openPlan(session.custody, plan_id, t.UnknownRecord);
    const inTwo = sealPlan(session.custody, { ...whole, batch: randomUuid4(), steps: 2 });
    assert.is((await apply(inTwo, 'half')).status, 200);
    refusedWith(await apply(inTwo, 'half'), 409, 'applied in part');
    await kv.versions('keyed/data/a', { v: 2 });
    const again: string = (await kv.post('sys/ledger/restore/plan', { mount: 'keyed', path: '/', position })).body.data
      .plan_id;
    const first = await apply(again, 'whole');
    await kv.versions('keyed/data/a', { v: 3 });
    const repeated = await apply(again, 'whole');
    assert.equal([first.status, repeated.status], [200, 200], repeated.text);
    assert.is(repeated.headers.get('x-tallystick-position'), first.headers.get('x-tallystick-position'));
    assert.is((await kv.get('keyed/data/a')).body.data.data.v, 3);
  });
});
