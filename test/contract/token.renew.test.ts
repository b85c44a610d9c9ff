/** Renewal (vault-wire.md §10.4), and that a token ends by itself. */
import * as assert from 'uvu/assert';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { later, refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let calls: TokenCalls;

describe('renewing a token', test => {
  test.before(async () => {
    cluster = await testCluster();
    calls = tokenCalls(cluster.node);
    await calls.policy('maker', 'path "auth/token/create" { capabilities = ["update"] }');
  });
  test.after(() => cluster.stop());

  for (const door of ['renew-self', 'renew', 'renew-accessor'] as const)
    test(`by ${door} gives what is asked, or what it had`, async () => {
      const made = await calls.make({ policies: ['x'], ttl: '1h' });
      const renew = (fields: object) =>
        door === 'renew-self'
          ? calls.post('auth/token/renew-self', fields, made.client_token)
          : door === 'renew'
            ? calls.post('auth/token/renew', { token: made.client_token, ...fields })
            : calls.post('auth/token/renew-accessor', { accessor: made.accessor, ...fields });
      const longer = await renew({ increment: '2h' });
      assert.is(longer.status, 200, longer.text);
      const { auth, data, warnings } = longer.body;
      assert.equal([auth.lease_duration, auth.renewable, data, warnings], [7200, true, null, null]);
      assert.is(auth.client_token, door === 'renew-accessor' ? '' : made.client_token);
      assert.is(auth.accessor, made.accessor);
      assert.is((await renew({})).body.auth.lease_duration, 3600);
      const seen = (await calls.get('auth/token/lookup-self', made.client_token)).body.data;
      assert.ok(seen.last_renewal.endsWith('Z') && seen.last_renewal_time >= seen.creation_time);
      assert.equal(
        [seen.creation_ttl, Date.parse(seen.expire_time) - Date.parse(seen.last_renewal)],
        [3600, 3_600_000],
      );
    });

  test('is capped by the maximum, and says so', async () => {
    const made = await calls.make({ policies: ['x'], ttl: '1h', explicit_max_ttl: '2h' });
    const capped = await calls.post('auth/token/renew', { token: made.client_token, increment: '5h' });
    assert.ok(capped.body.auth.lease_duration > 7190 && capped.body.auth.lease_duration <= 7200);
    assert.match(
      capped.body.warnings[0],
      /^TTL of "5h" exceeded the effective max_ttl of "(2h|1h59m\d+s)"; TTL value is capped accordingly$/,
    );
    const seen = (await calls.get('auth/token/lookup-self', made.client_token)).body.data;
    assert.is(Date.parse(seen.expire_time) - Date.parse(seen.issue_time), 7_200_000, 'not a moment longer');
  });

  test('of a periodic token gives its period again', async () => {
    const made = await calls.make({ policies: ['x'], period: '10m' });
    const renewed = await calls.post('auth/token/renew', { token: made.client_token, increment: '5h' });
    assert.equal([renewed.body.auth.lease_duration, renewed.body.warnings], [600, null]);
  });

  test('is refused where there is nothing to renew', async () => {
    const fixed = await calls.make({ policies: ['x'], renewable: false });
    const batch = await calls.make({ policies: ['x'], type: 'batch' });
    for (const [path, fields, text] of [
      ['renew-self', {}, 'lease is not renewable'],
      ['renew', { token: fixed.client_token }, 'lease is not renewable'],
      ['renew', { token: 'hvs.nope' }, 'token not found'],
      ['renew', {}, 'missing token ID'],
      ['renew', { token: batch.client_token }, 'batch tokens cannot be renewed'],
      ['renew-accessor', { accessor: 'nope' }, 'invalid accessor'],
      ['renew-accessor', {}, 'missing accessor'],
      ['renew-self', { increment: 'zz' }, 'time: invalid duration "zz"'],
    ] as const)
      refusedWith(await calls.post(`auth/token/${path}`, fields), 400, text);
  });

  test('moves the end of a token', async () => {
    const made = await calls.make({ policies: ['x'], ttl: '1h' });
    await calls.post('auth/token/renew', { token: made.client_token, increment: '3h' });
    assert.ok(await later(7200, () => calls.lives(made.client_token)));
    assert.not(await later(10_801, () => calls.lives(made.client_token)));
  });

  test('a token that expired is gone, and so are its children', async () => {
    const parent = await calls.make({ policies: ['maker'], ttl: '1h' });
    const child = await calls.make({ ttl: '5h' }, { by: parent.client_token });
    await later(3601, async () => {
      assert.not(await calls.lives(parent.client_token));
      assert.not(await calls.lives(child.client_token));
      refusedWith(await calls.post('auth/token/renew', { token: child.client_token }), 400, 'token not found');
      refusedWith(await calls.post('auth/token/lookup', { token: parent.client_token }), 403, 'bad token');
      refusedWith(
        await calls.post('auth/token/lookup-accessor', { accessor: child.accessor }),
        400,
        'invalid accessor',
      );
    });
  });
});
