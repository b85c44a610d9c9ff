/** Logins by client certificate over real TLS (vault-wire.md §12.2): SVIDs made here, good ones and every bad one. */
import { connect as tlsConnect } from 'node:tls';
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { type CertificateCase, type Issued, issue, revocationList, trustDomain } from '../support/certificates.js';
import type { ClientCertificate } from '../support/client.js';
import type { Json, Reply, TestCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { tlsCluster } from './support/tls-cluster.js';
import { refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

const NO_ROLE = 'no certificate was matched by this request';
const NO_CHAIN = 'invalid certificate or no client certificate supplied';
const NO_MATCH = 'no chain matching all constraints could be found for this login certificate';

const home = trustDomain('example.org');
const abroad = trustDomain('example.com');

let cluster: TestCluster;
let calls: TokenCalls;

const shown = (leaf: Issued, ...others: readonly Issued[]): ClientCertificate => ({
  pem: [leaf, ...others].map(({ pem }) => pem).join('\n'),
  keyPem: leaf.keyPem,
});

const login = (certificate?: ClientCertificate, fields: Json = {}): Promise<Reply> =>
  cluster.node.call('POST', 'auth/cert/login', fields, {
    token: null,
    ...(certificate === undefined ? {} : { certificate }),
  });

const write = async (path: string, fields: Json, status = 204): Promise<void> => {
  const reply = await calls.post(`auth/cert/${path}`, fields);
  assert.is(reply.status, status, reply.text);
};

const loggedIn = async (certificate: ClientCertificate, fields: Json = {}): Promise<Json> => {
  const reply = await login(certificate, fields);
  assert.is(reply.status, 200, reply.text);
  return reply.body.auth;
};

const web = { certificate: home.authority.pem, allowed_uri_sans: 'spiffe://example.org/web/*', token_policies: 'web' };

const renew = (token: string, certificate?: ClientCertificate): Promise<Reply> =>
  cluster.node.call(
    'POST',
    'auth/token/renew-self',
    {},
    {
      token,
      ...(certificate === undefined ? {} : { certificate }),
    },
  );

describe('a login by client certificate', test => {
  test.before(async () => {
    cluster = await tlsCluster();
    calls = tokenCalls(cluster.node);
    await calls.policy('web', 'path "secret/data/web/*" { capabilities = ["create", "update", "read"] }');
    assert.is((await calls.post('sys/auth/cert', { type: 'cert' })).status, 204);
    await write('certs/web', { ...web, token_ttl: '10m', display_name: 'frontend' });
  });
  test.after(() => cluster.stop());

  test('gives a token of the role, that says whose it is', async () => {
    const svid = home.svid('/web/1', { name: 'web one' });
    const auth = await loggedIn(shown(svid));
    assert.equal(auth.policies, ['default', 'web']);
    assert.equal(auth.token_policies, ['default', 'web']);
    assert.is(auth.lease_duration, 600);
    assert.ok(auth.renewable && auth.orphan);
    assert.is(auth.token_type, 'service');
    const { subject_key_id, authority_key_id, ...named } = auth.metadata;
    assert.equal(named, {
      cert_name: 'web',
      common_name: 'web one',
      serial_number: BigInt(`0x${svid.serial}`).toString(),
      spiffe_id: 'spiffe://example.org/web/1',
    });
    for (const id of [subject_key_id, authority_key_id]) assert.match(id, /^(?:[0-9a-f]{2}:){19}[0-9a-f]{2}$/);
    assert.is((await calls.get('auth/token/lookup-self', auth.client_token)).body.data.display_name, 'cert-frontend');
    const written = await calls.post('secret/data/web/x', { data: { a: 'b' } }, auth.client_token);
    assert.is(written.status, 200, written.text);
    assert.is((await calls.get('secret/data/db/x', auth.client_token)).status, 403);
  });

  test('is one and the same actor, whatever certificate the id has today', async () => {
    const [first, second] = [home.svid('/web/same'), home.svid('/web/same')];
    const [a, b] = [await loggedIn(shown(first)), await loggedIn(shown(second), { name: 'web' })];
    assert.is(a.entity_id, b.entity_id);
    assert.is.not(a.entity_id, (await loggedIn(shown(home.svid('/web/other')))).entity_id);
  });

  test('goes over an authority that the client brings along', async () => {
    const between = issue({ name: 'between', ca: true, by: home.authority });
    const svid = issue({ name: '', by: between, uris: ['spiffe://example.org/web/2'] });
    assert.is((await loggedIn(shown(svid, between))).metadata.spiffe_id, 'spiffe://example.org/web/2');
    refusedWith(await login(shown(svid)), 400, NO_CHAIN);
  });

  const BAD: readonly (readonly [string, () => Issued, string])[] = [
    ['that expired', () => home.svid('/web/1', { toMs: Date.now() - 1000 }), NO_CHAIN],
    ['that is not valid yet', () => home.svid('/web/1', { fromMs: Date.now() + 60_000 }), NO_CHAIN],
    ['of another trust domain', () => abroad.svid('/web/1'), NO_CHAIN],
    [
      'of this trust domain, signed by the authority of another',
      () => issue({ by: abroad.authority, uris: ['spiffe://example.org/web/1'] }),
      NO_CHAIN,
    ],
    [
      'of another trust domain, signed by the authority of this one',
      () => issue({ by: home.authority, uris: ['spiffe://example.com/web/1'] }),
      NO_MATCH,
    ],
    ['of another path', () => home.svid('/db/1'), NO_MATCH],
    [
      'with two ids',
      () => home.svid('', { uris: ['spiffe://example.org/web/1', 'spiffe://example.org/web/2'] }),
      NO_MATCH,
    ],
    ['without an id', () => issue({ by: home.authority, name: 'web' }), NO_MATCH],
    ['that is signed by itself', () => issue({ uris: ['spiffe://example.org/web/1'] }), NO_CHAIN],
    ['that is an authority', () => home.svid('/web/1', { ca: true, usage: null }), NO_CHAIN],
  ];
  for (const [what, made, why] of BAD)
    test(`is refused with one ${what}`, async () => refusedWith(await login(shown(made())), 400, why));

  test('is refused without a certificate, by a role that is not there, and by a mount without roles', async () => {
    refusedWith(await login(), 400, 'no client certificate found');
    refusedWith(await login(shown(home.svid('/web/1')), { name: 'none' }), 400, NO_ROLE);
    await calls.post('sys/auth/empty', { type: 'cert' });
    const reply = await cluster.node.call('POST', 'auth/empty/login', {}, { certificate: shown(home.svid('/web/1')) });
    refusedWith(reply, 400, NO_ROLE);
  });

  test('that failed is in the audit trail, without what was shown', async () => {
    await login(shown(abroad.svid('/web/audited')));
    const until = Date.now() + 5000;
    for (;;) {
      const found = await calls.get('sys/ledger/events?outcome=failed&limit=1000');
      const [last] = found.body.data.events.filter((event: Json) => event.path === 'auth/cert/login').slice(-1);
      if (last !== undefined) {
        assert.is(last.reason_code, 'certificate');
        assert.not(found.text.includes('/web/audited'));
        return;
      }
      assert.ok(Date.now() < until, found.text);
    }
  });

  test('follows the bundle at once: a new authority is believed, an old one no more', async () => {
    const young = trustDomain('example.org');
    const [old, fresh] = [shown(home.svid('/roll/1')), shown(young.svid('/roll/1'))];
    const role = { allowed_uri_sans: 'spiffe://example.org/roll/*' };
    await write('certs/roll', { ...role, certificate: home.authority.pem });
    await loggedIn(old);
    refusedWith(await login(fresh), 400, NO_CHAIN);
    await write('certs/roll', { certificate: `${home.authority.pem}${young.authority.pem}` });
    for (const each of [old, fresh]) await loggedIn(each);
    await write('certs/roll', { certificate: young.authority.pem });
    await loggedIn(fresh);
    refusedWith(await login(old, { name: 'roll' }), 400, NO_CHAIN);
    assert.is((await cluster.node.call('DELETE', 'auth/cert/certs/roll')).status, 204);
    refusedWith(await login(fresh), 400, NO_CHAIN);
  });

  test('ends with a revocation list that names the certificate, and begins again without it', async () => {
    const [bad, good] = [home.svid('/web/bad'), home.svid('/web/good')];
    const auth = await loggedIn(shown(bad));
    await write('crls/ours', { crl: revocationList(home.authority, [bad.serial]) });
    refusedWith(await login(shown(bad)), 400, NO_MATCH);
    refusedWith(await renew(auth.client_token, shown(bad)), 400, NO_MATCH);
    await loggedIn(shown(good));
    const read = await calls.get('auth/cert/crls/ours');
    assert.equal(Object.keys(read.body.data.serials), [bad.serial]);
    assert.equal((await cluster.node.call('LIST', 'auth/cert/crls')).body.data.keys, ['ours']);
    assert.is((await cluster.node.call('DELETE', 'auth/cert/crls/ours')).status, 204);
    await loggedIn(shown(bad));
    assert.is((await cluster.node.call('LIST', 'auth/cert/crls')).status, 404);
  });

  test('does not come back to a token that was revoked: it takes a new one', async () => {
    const certificate = shown(home.svid('/web/again'));
    const auth = await loggedIn(certificate);
    assert.is((await calls.post('auth/token/revoke-self', {}, auth.client_token)).status, 204);
    assert.not(await calls.lives(auth.client_token));
    const again = await loggedIn(certificate);
    assert.is.not(again.client_token, auth.client_token);
    assert.ok(await calls.lives(again.client_token));
  });

  test('counts on every node at once', async () => {
    const other = await cluster.newNode();
    const certificate = shown(home.svid('/web/nodes'));
    await write('certs/nodes', { ...web, allowed_uri_sans: 'spiffe://example.org/web/nodes' });
    const reply = await other.call('POST', 'auth/cert/login', { name: 'nodes' }, { certificate });
    assert.is(reply.status, 200, reply.text);
    await cluster.node.call('DELETE', 'auth/cert/certs/nodes');
    refusedWith(await other.call('POST', 'auth/cert/login', { name: 'nodes' }, { certificate }), 400, NO_ROLE);
  });

  test('is asked for again by a renewal, with a certificate of the same holder', async () => {
    const auth = await loggedIn(shown(home.svid('/web/1')));
    assert.is((await renew(auth.client_token, shown(home.svid('/web/1')))).status, 200);
    refusedWith(await renew(auth.client_token), 400, 'no client certificate found');
    refusedWith(
      await renew(auth.client_token, shown(home.svid('/web/2'))),
      400,
      'client identity during renewal not matching client identity used during login',
    );
    refusedWith(await renew(auth.client_token, shown(abroad.svid('/web/1'))), 400, NO_CHAIN);
    assert.ok(await calls.lives(auth.client_token));
  });

  test('gives no renewal once the role asks for something else, or is gone', async () => {
    const certificate = shown(home.svid('/web/1'));
    const auth = await loggedIn(certificate);
    await write('certs/web', { allowed_uri_sans: 'spiffe://example.org/db/*' });
    refusedWith(await renew(auth.client_token, certificate), 400, NO_MATCH);
    await write('certs/web', web);
    assert.is((await renew(auth.client_token, certificate)).status, 200);
    await cluster.node.call('DELETE', 'auth/cert/certs/web');
    refusedWith(await renew(auth.client_token, certificate), 400, 'role "web" does not exist during renewal');
    await write('certs/web', web);
  });

  test('is not asked for by a renewal where the mount says so', async () => {
    const auth = await loggedIn(shown(home.svid('/web/1')));
    await write('config', { disable_binding: true });
    assert.equal((await calls.get('auth/cert/config')).body.data, { disable_binding: true });
    assert.is((await renew(auth.client_token)).status, 200);
    await write('config', { disable_binding: false });
    refusedWith(await renew(auth.client_token), 400, 'no client certificate found');
  });

  test('is no condition of being served: any certificate will do, or none', async () => {
    const odd: readonly CertificateCase[] = [{}, { toMs: Date.now() - 1000 }, { ca: true }, { usage: null }];
    for (const certificate of [undefined, ...odd.map(made => shown(issue(made)))]) {
      const reply = await cluster.node.call('GET', 'sys/health', undefined, {
        ...(certificate === undefined ? {} : { certificate }),
      });
      assert.is(reply.status, 200, reply.text);
    }
  });

  test('proves the key at each connection: no session is resumed', async () => {
    const { hostname, port } = new URL(cluster.node.address);
    const { pem: cert, keyPem: key } = shown(home.svid('/web/1'));
    const connect = (version: 'TLSv1.2' | 'TLSv1.3', session?: Buffer): Promise<{ reused: boolean; session: Buffer }> =>
      new Promise((resolve, reject) => {
        const secure = { cert, key, rejectUnauthorized: false, minVersion: version, maxVersion: version };
        const socket = tlsConnect({ host: hostname, port: Number(port), ...secure, ...(session ? { session } : {}) });
        socket.on('error', reject);
        socket.on('session', (next: Buffer) => {
          resolve({ reused: socket.isSessionReused(), session: next });
          socket.destroy();
        });
      });
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { session } = await connect(version);
      assert.is((await connect(version, session)).reused, false, version);
    }
  });

  test('is answered below 500 whatever its certificate says', async () => {
    await calls.post('sys/auth/any', { type: 'cert' });
    await calls.post('auth/any/certs/any', { certificate: home.authority.pem });
    const text = fc.string({ maxLength: 20, unit: 'binary' });
    const ascii = fc.array(fc.string({ maxLength: 20, unit: 'binary-ascii' }), { maxLength: 3 });
    const usage = fc.constantFrom(128, 511, 6, null);
    const made = fc.record({ name: text, units: fc.array(text), uris: ascii, dns: ascii, emails: ascii, usage });
    const statuses = new Set<number>();
    await fc.assert(
      fc.asyncProperty(made, async fields => {
        const certificate = shown(issue({ by: home.authority, ...fields }));
        const reply = await cluster.node.call('POST', 'auth/any/login', {}, { token: null, certificate });
        statuses.add(reply.status);
      }),
      { numRuns: 60 },
    );
    assert.equal([...statuses].sort(), [200, 400]);
  });
});
