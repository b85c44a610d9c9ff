/** The life of secret ids: made, looked up, spent, destroyed, expired (vault-wire.md §11.3). */
import * as assert from 'uvu/assert';
import { type Json, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { type AppRoles, appRoles, dataOf, done, enable, forgetAddress, login } from './support/logins.js';
import { later, refusedWith } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let app: AppRoles;
const WRONG = 'invalid role or secret ID';

describe('a secret id', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    app = appRoles(node);
    await enable(node, 'approle', { type: 'approle' });
  });
  test.before.each(() => forgetAddress(node));
  test.after(() => cluster.stop());

  const at = (name: string, path: string) => `auth/approle/role/${name}/${path}`;

  test('is made, listed, looked up both ways and destroyed', async () => {
    const role_id = await app.role('life', { secret_id_ttl: '1h', secret_id_num_uses: 3 });
    await done(node, 'LIST', at('life', 'secret-id'), undefined, 404);
    const made = await app.secretId('life', { metadata: '{"who":"me"}', ttl: '30m', num_uses: 2 });
    assert.match(made.secret_id, /^[0-9a-f-]{36}$/);
    assert.equal([made.secret_id_ttl, made.secret_id_num_uses], [1800, 2]);
    const accessor = made.secret_id_accessor;
    assert.equal((await dataOf(node, 'LIST', at('life', 'secret-id'))).keys, [accessor]);
    const details = await dataOf(node, 'POST', at('life', 'secret-id/lookup'), { secret_id: made.secret_id });
    assert.equal(
      [details.secret_id_accessor, details.metadata, details.secret_id_num_uses, details.secret_id_ttl],
      [accessor, { who: 'me' }, 2, 1800],
    );
    assert.equal([details.cidr_list, details.token_bound_cidrs], [[], []]);
    assert.is(Date.parse(details.expiration_time) - Date.parse(details.creation_time), 1_800_000);
    const byAccessor = { secret_id_accessor: accessor };
    assert.equal(await dataOf(node, 'POST', at('life', 'secret-id-accessor/lookup'), byAccessor), details);
    assert.is((await app.logIn(role_id, made.secret_id)).status, 200);
    const after = await dataOf(node, 'POST', at('life', 'secret-id-accessor/lookup'), byAccessor);
    assert.is(after.secret_id_num_uses, 1);
    assert.ok(after.last_updated_time > details.last_updated_time);
    await done(node, 'POST', at('life', 'secret-id-accessor/destroy'), byAccessor);
    refusedWith(await app.logIn(role_id, made.secret_id), 400, WRONG);
    await done(node, 'LIST', at('life', 'secret-id'), undefined, 404);
  });

  test('that is unknown is a 204 by its text, a 404 that says so by its accessor', async () => {
    await app.role('unknown');
    await done(node, 'POST', at('unknown', 'secret-id/lookup'), { secret_id: 'x' });
    for (const verb of ['POST', 'PUT']) await done(node, verb, at('unknown', 'secret-id/destroy'), { secret_id: 'x' });
    await done(node, 'DELETE', at('unknown', 'secret-id/destroy?secret_id=x'));
    const looked = await node.call('POST', at('unknown', 'secret-id-accessor/lookup'), { secret_id_accessor: 'x' });
    assert.is(looked.status, 404);
    assert.match(looked.body.data.error, 'failed to find accessor entry for secret_id_accessor: "x"');
    const destroyed = await node.call('POST', at('unknown', 'secret-id-accessor/destroy'), { secret_id_accessor: 'x' });
    refusedWith(destroyed, 404, 'failed to find accessor entry for secret_id_accessor: "x"');
    refusedWith(await node.call('POST', at('unknown', 'secret-id/lookup'), {}), 400, 'missing secret_id');
    for (const path of ['secret-id', 'secret-id/lookup', 'secret-id-accessor/destroy'])
      refusedWith(
        await node.call('POST', at('none', path), { secret_id: 'x', secret_id_accessor: 'x' }),
        404,
        'role "none" does not exist',
      );
  });

  test('is one role’s alone, by its accessor too', async () => {
    const { made } = await app.loggedIn('mine');
    await app.role('yours');
    await done(node, 'POST', at('yours', 'secret-id/lookup'), { secret_id: made.secret_id });
    const { secret_id_accessor } = made;
    await done(node, 'POST', at('yours', 'secret-id-accessor/destroy'), { secret_id_accessor }, 404);
    assert.is((await dataOf(node, 'LIST', at('mine', 'secret-id'))).keys.length, 1);
  });

  test('without a ttl never expires', async () => {
    const { made } = await app.loggedIn('ever');
    const details = await dataOf(node, 'POST', at('ever', 'secret-id/lookup'), { secret_id: made.secret_id });
    assert.is(details.expiration_time, '0001-01-01T00:00:00Z');
  });

  test('may be chosen, once', async () => {
    const role_id = await app.role('chosen', { secret_id_ttl: '10m' });
    const custom = at('chosen', 'custom-secret-id');
    refusedWith(await node.call('POST', custom, {}), 400, 'missing secret_id');
    const made = await dataOf(node, 'POST', custom, { secret_id: 'my-own-words' });
    assert.is(made.secret_id, 'my-own-words');
    assert.is((await app.logIn(role_id, 'my-own-words')).status, 200);
    refusedWith(await node.call('POST', custom, { secret_id: 'my-own-words' }), 400, 'SecretID is already registered');
    refusedWith(await node.call('POST', custom, { secret_id: 'x'.repeat(256) }), 400, '1 to 255 printable characters');
    const twice = await Promise.all([1, 2, 3].map(() => node.call('POST', custom, { secret_id: 'at-once' })));
    assert.is(twice.filter(({ status }) => status === 200).length, 1);
    await app.role('chosen', { secret_id_ttl: '1h' });
    await later(601, async () => {
      await done(node, 'POST', custom, { secret_id: 'my-own-words' }, 200);
      assert.is((await app.logIn(role_id, 'my-own-words')).status, 200);
    });
  });

  const REFUSED: readonly (readonly [fields: Json, text: string])[] = [
    [{ num_uses: 4 }, "num_uses cannot be higher than the role's secret_id_num_uses"],
    [{ num_uses: 0 }, "num_uses cannot be higher than the role's secret_id_num_uses"],
    [{ num_uses: -1 }, 'num_uses cannot be negative'],
    [{ ttl: '2h' }, "ttl cannot be longer than the role's secret_id_ttl"],
    [{ ttl: 0 }, "ttl cannot be longer than the role's secret_id_ttl"],
    [{ cidr_list: '11.0.0.0/8' }, "'cidr_list' must be a subset of the role's 'secret_id_bound_cidrs'"],
    [{ cidr_list: '0.0.0.0/0' }, "'cidr_list' must be a subset of the role's 'secret_id_bound_cidrs'"],
    [{ token_bound_cidrs: '::1' }, "'token_bound_cidrs' must be a subset of the role's 'token_bound_cidrs'"],
    [{ cidr_list: 'zz' }, "'cidr_list' must be at most 256 addresses or networks"],
    [{ metadata: '{"a":1}' }, 'failed to parse metadata'],
    [{ metadata: 'zz' }, 'failed to parse metadata'],
  ];
  for (const [fields, text] of REFUSED)
    test(`is refused with ${JSON.stringify(fields)}`, async () => {
      const bounds = { secret_id_bound_cidrs: '10.0.0.0/8', token_bound_cidrs: '10.0.0.0/8' };
      await app.role('limits', { secret_id_num_uses: 3, secret_id_ttl: '1h', ...bounds });
      refusedWith(await node.call('POST', at('limits', 'secret-id'), fields), 400, text);
    });

  test('that expired goes with the next that is made, and with a tidying', async () => {
    await app.role('tidied', { secret_id_ttl: '10m' });
    for (let i = 0; i < 3; i += 1) await app.secretId('tidied');
    await later(601, async () => {
      await done(node, 'LIST', at('tidied', 'secret-id'), undefined, 404);
      await app.secretId('tidied');
    });
    assert.is((await dataOf(node, 'LIST', at('tidied', 'secret-id'))).keys.length, 1);
    await later(1202, async () => {
      const { body } = await done(node, 'POST', 'auth/approle/tidy/secret-id', {}, 202);
      assert.match(body.warnings[0], /^\d+ expired secret ids were removed/);
    });
    await done(node, 'LIST', at('tidied', 'secret-id'), undefined, 404);
  });

  test('with n uses gives n tokens, whatever asks at once and on whichever node', async () => {
    const role_id = await app.role('raced');
    const { secret_id, secret_id_accessor } = await app.secretId('raced', { num_uses: 5 });
    const second = await cluster.newNode();
    const tries = await Promise.all(
      Array.from({ length: 12 }, (_, i) => login(i % 2 === 0 ? node : second, 'approle/login', { role_id, secret_id })),
    );
    const right = tries.filter(({ status }) => status === 200);
    assert.is(right.length, 5, tries.map(({ status, text }) => `${status} ${status === 200 ? '' : text}`).join());
    for (const reply of tries) if (reply.status !== 200) refusedWith(reply, 400, WRONG);
    await done(second, 'POST', at('raced', 'secret-id-accessor/lookup'), { secret_id_accessor }, 404);
    assert.is(new Set(right.map(({ body }) => body.auth.entity_id)).size, 1);
  });
});
