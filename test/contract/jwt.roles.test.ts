/** Configuration and roles of a jwt mount: in and out, and what is refused (vault-wire.md §12.3). */
import { generateKeyPairSync } from 'node:crypto';
import * as assert from 'uvu/assert';
import { type Json, type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { signingKey } from './support/issuer.js';
import { refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let calls: TokenCalls;

const { pem, privateKey } = signingKey('one');

describe('a jwt mount', test => {
  test.before(async () => {
    cluster = await testCluster();
    calls = tokenCalls(cluster.node);
    assert.is((await calls.post('sys/auth/jwt', { type: 'jwt' })).status, 204);
  });
  test.after(() => cluster.stop());

  test('is configured as a whole, and read back', async () => {
    assert.is((await calls.get('auth/jwt/config')).status, 404);
    const fields = { jwt_validation_pubkeys: pem, bound_issuer: 'https://a.test', jwt_supported_algs: 'ES256,RS256' };
    assert.is((await calls.post('auth/jwt/config', fields)).status, 204);
    const unset = {
      jwks_url: '',
      jwks_ca_pem: '',
      oidc_discovery_url: '',
      oidc_discovery_ca_pem: '',
      default_role: '',
    };
    assert.equal((await calls.get('auth/jwt/config')).body.data, {
      ...unset,
      ...{
        jwt_validation_pubkeys: [pem.trim()],
        bound_issuer: 'https://a.test',
        jwt_supported_algs: ['ES256', 'RS256'],
      },
    });
    assert.is((await calls.post('auth/jwt/config', { jwt_validation_pubkeys: [pem] })).status, 204);
    assert.is((await calls.get('auth/jwt/config')).body.data.bound_issuer, '');
  });

  test('has roles of one name however it is spelled, as policies read it', async () => {
    const role = { role_type: 'jwt', user_claim: 'sub', bound_audiences: 'here' };
    assert.is((await calls.post('auth/jwt/role/Deploy', role)).status, 204);
    assert.is((await calls.get('auth/jwt/role/deploy')).body.data.user_claim, 'sub');
    assert.is((await calls.post('auth/jwt/role/DEPLOY', { ...role, user_claim: 'email' })).status, 204);
    assert.is((await calls.get('auth/jwt/role/Deploy')).body.data.user_claim, 'email');
    assert.equal((await calls.get('auth/jwt/role?list=true')).body.data.keys, ['deploy']);
    assert.is((await cluster.node.call('DELETE', 'auth/jwt/role/dePloy')).status, 204);
    assert.is((await calls.get('auth/jwt/role/deploy')).status, 404);
  });

  const ONE = "exactly one of 'jwks_url', 'jwt_validation_pubkeys' or 'oidc_discovery_url' must be set";
  const NOT_PUBLIC = 'jwt_validation_pubkeys: a validation key is one public key or certificate in PEM';
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'pem' });
  const CONFIGS: readonly (readonly [Json, string])[] = [
    [{}, ONE],
    [{ jwks_url: 'https://a.test/keys', jwt_validation_pubkeys: [pem] }, ONE],
    [{ jwt_validation_pubkeys: ['nonsense'] }, NOT_PUBLIC],
    [{ jwt_validation_pubkeys: [pem + pem] }, NOT_PUBLIC],
    [{ jwt_validation_pubkeys: [String(privateKey.export({ type: 'pkcs8', format: 'pem' }))] }, NOT_PUBLIC],
    [{ jwt_validation_pubkeys: [String(small)] }, 'jwt_validation_pubkeys: an RSA key has 2,048 bits at least'],
    [{ jwks_url: 'http://10.0.0.1/keys' }, 'jwks_url must be https: plain HTTP is believed on loopback only'],
    [{ jwks_url: 'file:///etc/passwd' }, 'jwks_url must be an https URL, such as https://issuer.example.org/keys'],
    [{ jwks_url: 'https://u:p@a.test/' }, 'jwks_url must not hold a name or password: it is kept in the ledger'],
    [
      { oidc_discovery_url: 'nonsense' },
      'oidc_discovery_url must be an https URL, such as https://issuer.example.org/keys',
    ],
    [{ jwks_url: 'http://127.0.0.1:9/keys' }, 'error checking jwks URL: the keys of the issuer cannot be had'],
    [
      { jwks_url: 'https://a.test/', jwks_ca_pem: 'x' },
      'jwks_ca_pem: failed to parse certificate: give one or more certificates in PEM',
    ],
    [
      { jwt_validation_pubkeys: [pem], oidc_client_secret: 'hush' },
      'oidc_client_id and oidc_client_secret: logging in with a browser is not offered here',
    ],
    ...['none', 'HS256', 'ES256K'].map((alg): [Json, string] => [
      { jwt_validation_pubkeys: [pem], jwt_supported_algs: [alg] },
      `unsupported signing algorithm: "${alg}"`,
    ]),
  ];
  for (const [fields, why] of CONFIGS)
    test(`is not configured: ${why}`, async () => refusedWith(await calls.post('auth/jwt/config', fields), 400, why));

  test('has roles, that are written, changed, read, listed and removed', async () => {
    assert.is((await cluster.node.call('LIST', 'auth/jwt/role')).status, 404);
    const fields = {
      user_claim: 'sub',
      bound_audiences: 'a,b',
      bound_claims: { a: ['x', 1] },
      policies: 'web',
      ttl: 60,
    };
    assert.is((await calls.post('auth/jwt/role/web', fields)).status, 204);
    const change = { claim_mappings: ['a=b'], expiration_leeway: -1, clock_skew_leeway: '30s' };
    assert.is((await calls.post('auth/jwt/role/web', change)).status, 204);
    assert.equal((await calls.get('auth/jwt/role/web')).body.data, {
      ...{ role_type: 'jwt', user_claim: 'sub', user_claim_json_pointer: false, bound_audiences: ['a', 'b'] },
      ...{ bound_subject: '', bound_claims: { a: ['x', 1] }, bound_claims_type: 'string', claim_mappings: { a: 'b' } },
      ...{ groups_claim: '', expiration_leeway: -1, not_before_leeway: 0, clock_skew_leeway: 30, single_use: false },
      ...{ policies: ['web'], token_policies: ['web'], ttl: 60, token_ttl: 60 },
      ...{ token_max_ttl: 0, token_explicit_max_ttl: 0, token_period: 0, token_num_uses: 0, token_bound_cidrs: [] },
      ...{ token_no_default_policy: false, token_strictly_bind_ip: false, token_type: 'default' },
    });
    assert.equal((await cluster.node.call('LIST', 'auth/jwt/role')).body.data.keys, ['web']);
    for (let i = 0; i < 2; i += 1) assert.is((await cluster.node.call('DELETE', 'auth/jwt/role/web')).status, 204);
    assert.is((await calls.get('auth/jwt/role/web')).status, 404);
  });

  test('says of a role what it does not do', async () => {
    const browser = { allowed_redirect_uris: [], verbose_oidc_logging: false };
    const usual = { user_claim: 'sub', bound_subject: 'a', ...browser };
    assert.is((await calls.post('auth/jwt/role/usual', usual)).status, 204);
    const fields = { ...usual, groups_claim: 'groups', oidc_scopes: 'x' };
    const reply = await calls.post('auth/jwt/role/groups', fields);
    assert.is(reply.status, 200, reply.text);
    assert.equal(reply.body.warnings, [
      'groups_claim must be in the token, but gives no policies: there are no groups here; use bound_claims and token_policies',
      'Endpoint ignored these unrecognized parameters: [oidc_scopes]',
    ]);
  });

  const bound = { user_claim: 'sub', bound_subject: 'a' };
  const ROLES: readonly (readonly [Json, string])[] = [
    [{ bound_subject: 'a' }, 'a user claim must be defined on the role'],
    [
      { user_claim: 'sub' },
      'must have at least one bound constraint when creating/updating a role: bound_audiences, bound_subject, bound_claims or token_bound_cidrs',
    ],
    [{ ...bound, role_type: 'oidc' }, "role_type must be 'jwt': logging in with a browser (oidc) is not offered here"],
    [{ ...bound, bound_claims_type: 'regex' }, "invalid 'bound_claims_type': string or glob"],
    [
      { ...bound, bound_claims: 'x' },
      'bound_claims must be an object of texts, numbers and booleans, or lists of them',
    ],
    [
      { ...bound, bound_claims: { a: { b: 1 } } },
      'bound_claims must be an object of texts, numbers and booleans, or lists of them',
    ],
    [
      { ...bound, claim_mappings: { a: 'role' } },
      "metadata key 'role' is reserved and may not be a mapping destination",
    ],
    [{ ...bound, claim_mappings: { a: 'x', b: 'x' } }, 'multiple keys are mapped to one metadata key'],
    [{ ...bound, clock_skew_leeway: '48h' }, 'clock_skew_leeway may be a day at most'],
    [
      { ...bound, single_use: true, token_type: 'batch' },
      'single_use needs tokens that the ledger knows: token_type cannot be batch',
    ],
  ];
  for (const [fields, why] of ROLES)
    test(`has no such role: ${why}`, async () => {
      refusedWith(await calls.post('auth/jwt/role/bad', fields), 400, why);
      assert.is((await calls.get('auth/jwt/role/bad')).status, 404);
    });

  test("is nobody's to configure without permission", async () => {
    const { client_token } = await calls.make({ policies: ['default'] });
    assert.is((await calls.post('auth/jwt/config', { jwks_url: 'https://a.test/' }, client_token)).status, 403);
    assert.is((await calls.post('auth/jwt/role/web', bound, client_token)).status, 403);
  });
});
