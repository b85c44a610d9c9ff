/** Cert roles, revocation lists and the plain-HTTP listener: settings in and out, and what is refused (vault-wire.md §12.2). */
import { generateKeyPairSync } from 'node:crypto';
import * as asn1 from '@peculiar/asn1-x509';
import * as assert from 'uvu/assert';
import { extension, issue, revocationList, trustDomain } from '../support/certificates.js';
import { type Json, type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

const home = trustDomain('example.org');
const certificate = home.authority.pem;

let cluster: TestCluster;
let calls: TokenCalls;

describe('a cert mount', test => {
  test.before(async () => {
    cluster = await testCluster();
    calls = tokenCalls(cluster.node);
    assert.is((await calls.post('sys/auth/cert', { type: 'cert' })).status, 204);
  });
  test.after(() => cluster.stop());

  test('has roles, that are written, read, changed, listed and removed', async () => {
    assert.is((await cluster.node.call('LIST', 'auth/cert/certs')).status, 404);
    assert.is((await calls.get('auth/cert/certs/web')).status, 404);
    const fields = { certificate, allowed_uri_sans: 'spiffe://example.org/a,spiffe://example.org/b/*', ttl: '5m' };
    assert.is((await calls.post('auth/cert/certs/web', { ...fields, policies: ['web'] })).status, 204);
    assert.is((await calls.post('auth/cert/certs/web', { display_name: 'w', token_type: 'default' })).status, 204);
    assert.equal((await calls.get('auth/cert/certs/web')).body.data, {
      certificate,
      display_name: 'w',
      ...{ allowed_names: [], allowed_common_names: [], allowed_dns_sans: [], allowed_email_sans: [] },
      allowed_uri_sans: ['spiffe://example.org/a', 'spiffe://example.org/b/*'],
      ...{ allowed_organizational_units: [], required_extensions: [] },
      ...{ policies: ['web'], token_policies: ['web'], ttl: 300, token_ttl: 300 },
      ...{ token_max_ttl: 0, token_explicit_max_ttl: 0, token_period: 0, token_num_uses: 0, token_bound_cidrs: [] },
      ...{ token_no_default_policy: false, token_strictly_bind_ip: false, token_type: 'default' },
    });
    assert.equal((await cluster.node.call('LIST', 'auth/cert/certs')).body.data.keys, ['web']);
    for (let i = 0; i < 2; i += 1) assert.is((await cluster.node.call('DELETE', 'auth/cert/certs/web')).status, 204);
    assert.is((await calls.get('auth/cert/certs/web')).status, 404);
  });

  test('says of a role what it does not know', async () => {
    const reply = await calls.post('auth/cert/certs/odd', { certificate, colour: 'red' });
    assert.is(reply.status, 200);
    assert.equal(reply.body.warnings, ['Endpoint ignored these unrecognized parameters: [colour]']);
  });

  const constrained = extension(
    asn1.id_ce_nameConstraints,
    true,
    new asn1.NameConstraints({ permittedSubtrees: new asn1.GeneralSubtrees([]) }),
  );
  const REFUSED: readonly (readonly [Json, string])[] = [
    [{}, 'failed to parse certificate: give one or more certificates in PEM'],
    [
      { certificate: `${certificate}${home.authority.keyPem}` },
      'a bundle holds certificates only: what was sent holds a private key',
    ],
    [
      { certificate: issue({ ca: true, key: generateKeyPairSync('rsa', { modulusLength: 1024 }) }).pem },
      'certificate: one of them has a weak key or demands what is not evaluated here (name constraints, policies)',
    ],
    [
      { certificate: issue({ ca: true, extensions: [constrained] }).pem },
      'certificate: one of them has a weak key or demands what is not evaluated here (name constraints, policies)',
    ],
    [
      { certificate, allowed_uri_sans: 'spiffe://*' },
      'a SPIFFE pattern names its trust domain in full: spiffe://example.org/path/*',
    ],
    [
      { certificate, allowed_names: 'spiffe://example.*/a' },
      'a SPIFFE pattern names its trust domain in full: spiffe://example.org/path/*',
    ],
    [
      { certificate, allowed_uri_sans: ['spiffe://example.org/a', 'spiffe://example.com/a'] },
      'one role, one trust domain: make a role for each, with its own bundle',
    ],
    [{ certificate, required_extensions: 'x' }, 'required_extensions are written as OID:pattern or hex:OID:pattern'],
    [
      { certificate, ocsp_enabled: true },
      'ocsp_enabled: OCSP responders are not asked here; give revocation lists to crls/NAME',
    ],
    [{ certificate, token_ttl: 60, token_max_ttl: 30 }, "'token_ttl' cannot be greater than 'token_max_ttl'"],
  ];
  for (const [fields, why] of REFUSED)
    test(`has no such role: ${why}`, async () => {
      refusedWith(await calls.post('auth/cert/certs/bad', fields), 400, why);
      assert.is((await calls.get('auth/cert/certs/bad')).status, 404);
    });

  test("is nobody's without permission", async () => {
    const { client_token } = await calls.make({ policies: ['default'] });
    for (const path of ['certs/web', 'config', 'crls/x'])
      assert.is((await calls.get(`auth/cert/${path}`, client_token)).status, 403);
    assert.is((await calls.post('auth/cert/certs/web', { certificate }, client_token)).status, 403);
  });

  test('gives nothing over plain HTTP', async () => {
    await calls.post('auth/cert/certs/any', { certificate });
    const reply = await cluster.node.call('POST', 'auth/cert/login', {}, { token: null });
    refusedWith(reply, 400, 'tls connection not found');
  });

  test('takes revocation lists from an authority that a role trusts, and from no other', async () => {
    const crl = revocationList(home.authority, ['4000000000000001']);
    assert.is((await calls.post('auth/cert/crls/ours', { crl })).status, 204);
    const stranger = revocationList(trustDomain('example.org').authority, []);
    refusedWith(
      await calls.post('auth/cert/crls/theirs', { crl: stranger }),
      400,
      'this revocation list is not signed by an authority that a role of this mount trusts',
    );
  });

  test('takes no list that cannot be read, or would have to be fetched', async () => {
    refusedWith(
      await calls.post('auth/cert/crls/x', { crl: 'nonsense' }),
      400,
      'failed to parse CRL: give one in PEM, or its DER in base64',
    );
    refusedWith(
      await calls.post('auth/cert/crls/x', { url: 'https://example.org/crl' }),
      400,
      'url: revocation lists are not fetched here; give the list itself in crl',
    );
    assert.is((await calls.get('auth/cert/crls/x')).status, 404);
  });

  test('ends with its lists', async () => {
    assert.is((await cluster.node.call('DELETE', 'sys/auth/cert')).status, 204);
    await calls.post('sys/auth/cert', { type: 'cert' });
    assert.is((await cluster.node.call('LIST', 'auth/cert/crls')).status, 404);
  });
});
