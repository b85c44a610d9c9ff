/** Logins by JWT (vault-wire.md §12.3): tokens signed here, good ones and every bad one. */
import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { issue } from '../support/certificates.js';
import { type Json, type Reply, type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { jwtOf, nowSeconds, type Publisher, publisher, type SigningKey, signingKey } from './support/issuer.js';
import { later, refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let calls: TokenCalls;

const key = signingKey('one');
const stranger = signingKey('one');

const NO_SIGNATURE =
  'error validating token: error verifying token: no known key successfully validated the token signature';
const NO_KEY = 'error validating token: error verifying token: no known key fits the token';

const login = (jwt: string, role = 'web', mount = 'jwt'): Promise<Reply> =>
  cluster.node.call('POST', `auth/${mount}/login`, { role, jwt }, { token: null });

const loggedIn = async (jwt: string, role = 'web', mount = 'jwt'): Promise<Json> => {
  const reply = await login(jwt, role, mount);
  assert.is(reply.status, 200, reply.text);
  return reply.body.auth;
};

const write = async (path: string, fields: Json, status = 204): Promise<void> => {
  const reply = await calls.post(`auth/${path}`, fields);
  assert.is(reply.status, status, reply.text);
};

const enable = async (mount: string, config: Json): Promise<void> => {
  assert.is((await calls.post(`sys/auth/${mount}`, { type: 'jwt' })).status, 204);
  await write(`${mount}/config`, config);
};

const web = { user_claim: 'sub', bound_audiences: 'tallystick', token_policies: 'web' };

describe('a login by JWT', test => {
  let issuer: Publisher;
  const rsa: SigningKey = signingKey('rsa', 'RS256');
  const ed: SigningKey = signingKey('ed', 'EdDSA');

  test.before(async () => {
    cluster = await testCluster();
    calls = tokenCalls(cluster.node);
    await calls.policy('web', 'path "secret/data/web/*" { capabilities = ["create", "update", "read"] }');
    await enable('jwt', {
      jwt_validation_pubkeys: [key.pem],
      bound_issuer: 'https://issuer.test',
      default_role: 'web',
    });
    await write('jwt/role/web', { ...web, token_ttl: '10m', claim_mappings: { email: 'mail', '/org/unit': 'unit' } });
    issuer = await publisher();
    await issuer.publish(key, rsa);
    await enable('jwks', { jwks_url: `${issuer.url}/keys` });
    await write('jwks/role/web', web);
  });
  test.after(() => cluster.stop());

  test('gives a token of the role, that says whose it is', async () => {
    const jwt = await jwtOf(key, { email: 'ada@example.org', org: { unit: 7 }, ignored: 'x' });
    const auth = await loggedIn(jwt);
    assert.equal(auth.policies, ['default', 'web']);
    assert.equal(auth.metadata, { role: 'web', mail: 'ada@example.org', unit: '7' });
    assert.is(auth.lease_duration, 600);
    assert.is(auth.token_type, 'service');
    assert.is((await calls.get('auth/token/lookup-self', auth.client_token)).body.data.display_name, 'jwt-ada');
    assert.is((await calls.post('secret/data/web/x', { data: { a: 'b' } }, auth.client_token)).status, 200);
    assert.is((await calls.get('secret/data/db/x', auth.client_token)).status, 403);
  });

  test('knows its subject again, and takes the role that the mount names', async () => {
    const [first, second] = [await loggedIn(await jwtOf(key)), await loggedIn(await jwtOf(key, { jti: '2' }), '')];
    assert.is((await loggedIn(await jwtOf(key, { jti: '3' }), 'WEB')).metadata.role, 'web');
    assert.is(first.entity_id, second.entity_id);
    assert.is.not(first.entity_id, (await loggedIn(await jwtOf(key, { sub: 'bob' }))).entity_id);
  });

  const BAD: readonly (readonly [string, Json, string])[] = [
    ['that expired', { exp: nowSeconds() - 61 }, 'invalid expiration time (exp) claim: token is expired'],
    ['that is not valid yet', { nbf: nowSeconds() + 3600 }, 'invalid not before (nbf) claim: token not yet valid'],
    [
      'from the future',
      { iat: nowSeconds() + 3600, nbf: 1 },
      'invalid issued at (iat) claim: token issued in the future',
    ],
    [
      'that says nothing of time',
      { exp: null },
      'no issued at (iat), not before (nbf), or expiration time (exp) claims in token',
    ],
    ['whose time is no number', { exp: 'never' }, 'exp, nbf and iat must be numbers of seconds'],
    [
      'for another audience',
      { aud: ['vault', 'else'] },
      'invalid audience (aud) claim: audience claim does not match any bound audience',
    ],
    ['for nobody', { aud: null }, 'invalid audience (aud) claim: audience claim does not match any bound audience'],
    ['of another issuer', { iss: 'https://else.test' }, 'invalid issuer (iss) claim'],
  ];
  for (const [what, claims, why] of BAD)
    test(`is refused with one ${what}`, async () =>
      refusedWith(await login(await jwtOf(key, claims)), 400, `error validating token: ${why}`));

  test('is refused without its user, and with one that is no text', async () => {
    refusedWith(await login(await jwtOf(key, { sub: null })), 400, 'claim "sub" not found in token');
    refusedWith(await login(await jwtOf(key, { sub: { a: 1 } })), 400, 'claim "sub" could not be converted to string');
    refusedWith(await login(await jwtOf(key, { email: ['a'] })), 400, 'error converting claim "email" to string');
  });

  test('is refused with a signature of another key, a changed claim, or none', async () => {
    refusedWith(await login(await jwtOf(stranger)), 400, NO_SIGNATURE);
    const [head = '', , signature = ''] = (await jwtOf(key)).split('.');
    const [, changed = ''] = (await jwtOf(key, { sub: 'root' })).split('.');
    refusedWith(await login(`${head}.${changed}.${signature}`), 400, NO_SIGNATURE);
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${changed}`;
    for (const text of [`${none}.`, none])
      refusedWith(await login(text), 400, 'error validating token: this is not a signed JWT');
    refusedWith(await login(`${none}.AA`), 400, NO_SIGNATURE);
  });

  test('is refused with the public key used as a shared secret', async () => {
    const head = Buffer.from('{"alg":"HS256","kid":"one"}').toString('base64url');
    const [, claims = ''] = (await jwtOf(key)).split('.');
    const signature = createHmac('sha256', key.pem).update(`${head}.${claims}`).digest('base64url');
    refusedWith(await login(`${head}.${claims}.${signature}`), 400, NO_SIGNATURE);
  });

  test('is refused without a role, a token or a configuration', async () => {
    refusedWith(await login(await jwtOf(key), 'none'), 400, 'role "none" could not be found');
    refusedWith(await login(''), 400, 'missing token');
    await calls.post('sys/auth/bare', { type: 'jwt' });
    refusedWith(await login(await jwtOf(key), 'web', 'bare'), 400, 'could not load configuration');
    await write('bare/config', { jwt_validation_pubkeys: [key.pem] });
    refusedWith(await login(await jwtOf(key), '', 'bare'), 400, 'missing role');
  });

  test('is in the audit trail when it failed, without what was sent', async () => {
    await login(await jwtOf(key, { aud: 'elsewhere', sub: 'marker-of-a-subject' }));
    const until = Date.now() + 5000;
    for (;;) {
      const found = await calls.get('sys/ledger/events?outcome=failed&limit=1000');
      const reasons = found.body.data.events.map((event: Json) => event.reason_code);
      if (reasons.includes('claims') && reasons.includes('token')) {
        assert.not(found.text.includes('marker-of-a-subject'));
        return;
      }
      assert.ok(Date.now() < until, found.text);
    }
  });

  test('takes what is bound, and nothing else', async () => {
    const bound = { bound_claims: { project: ['a', 'b'], '/org/level': 3, admin: true } };
    await write('jwt/role/bound', { ...web, ...bound });
    const good = { project: 'b', org: { level: 3 }, admin: true };
    await loggedIn(await jwtOf(key, good), 'bound');
    await loggedIn(await jwtOf(key, { ...good, project: ['x', 'a'] }), 'bound');
    const wrong = (name: string): string =>
      `error validating token: claim ${JSON.stringify(name)} does not match any associated bound claim values`;
    refusedWith(await login(await jwtOf(key, { ...good, project: 'c' }), 'bound'), 400, wrong('project'));
    refusedWith(await login(await jwtOf(key, { ...good, org: { level: 4 } }), 'bound'), 400, wrong('/org/level'));
    const missing = 'error validating token: claim "admin" is missing';
    refusedWith(await login(await jwtOf(key, { ...good, admin: null }), 'bound'), 400, missing);
    await write('jwt/role/glob', { ...web, bound_claims_type: 'glob', bound_claims: { ref: 'refs/heads/*' } });
    await loggedIn(await jwtOf(key, { ref: 'refs/heads/main' }), 'glob');
    refusedWith(await login(await jwtOf(key, { ref: 'refs/tags/v1' }), 'glob'), 400, wrong('ref'));
    await write('jwt/role/subject', { user_claim: 'sub', bound_subject: 'ada', bound_audiences: 'tallystick' });
    await loggedIn(await jwtOf(key), 'subject');
    refusedWith(
      await login(await jwtOf(key, { sub: 'bob' }), 'subject'),
      400,
      'error validating token: invalid subject (sub) claim',
    );
  });

  test('of a token for somebody asks that it be for us', async () => {
    await write('jwt/role/anybody', { user_claim: 'sub', bound_subject: 'ada' });
    refusedWith(
      await login(await jwtOf(key), 'anybody'),
      400,
      'error validating token: audience claim found in JWT but no audiences bound to the role',
    );
    await loggedIn(await jwtOf(key, { aud: null }), 'anybody');
  });

  test('may be repeated until the JWT expires, and each token is one of its own', async () => {
    const jwt = await jwtOf(key);
    const [first, second] = [await loggedIn(jwt), await loggedIn(jwt)];
    assert.is.not(first.client_token, second.client_token);
    assert.is((await calls.post('auth/token/revoke-self', {}, first.client_token)).status, 204);
    assert.not(await calls.lives(first.client_token));
    assert.ok(await calls.lives(second.client_token));
    await loggedIn(jwt);
  });

  test('happens once where the role takes each JWT once, on every node, whatever became of the token', async () => {
    await write('jwt/role/once', { ...web, single_use: true });
    const used = 'error validating token: it was used before, and its role takes each token once';
    const jwt = await jwtOf(key, { jti: 'a' });
    const auth = await loggedIn(jwt, 'once');
    refusedWith(await login(jwt, 'once'), 400, used);
    await calls.post('auth/token/revoke-self', {}, auth.client_token);
    refusedWith(await login(jwt, 'once'), 400, used);
    const other = await cluster.newNode();
    refusedWith(await other.call('POST', 'auth/jwt/login', { role: 'once', jwt }, { token: null }), 400, used);
    const fresh = await jwtOf(key, { jti: 'b' });
    const replies = await Promise.all(
      [cluster.node, other, cluster.node, other].map(node =>
        node.call('POST', 'auth/jwt/login', { role: 'once', jwt: fresh }, { token: null }),
      ),
    );
    assert.equal(replies.map(({ status }) => status).sort(), [200, 400, 400, 400]);
    await loggedIn(await jwtOf(key, { jti: 'c' }), 'once');
  });

  test('is renewed while its role is there', async () => {
    const auth = await loggedIn(await jwtOf(key), 'subject');
    assert.is((await calls.post('auth/token/renew-self', {}, auth.client_token)).status, 200);
    await cluster.node.call('DELETE', 'auth/jwt/role/subject');
    const reply = await calls.post('auth/token/renew-self', {}, auth.client_token);
    refusedWith(reply, 400, 'role "subject" does not exist during renewal');
    refusedWith(await login(await jwtOf(key), 'subject'), 400, 'role "subject" could not be found');
  });

  test('is refused at once with a key that the mount believes no more', async () => {
    await enable('turned', { jwt_validation_pubkeys: [key.pem, rsa.pem] });
    await write('turned/role/web', web);
    for (const each of [key, rsa]) await loggedIn(await jwtOf(each), 'web', 'turned');
    await write('turned/config', { jwt_validation_pubkeys: [rsa.pem] });
    refusedWith(await login(await jwtOf(key), 'web', 'turned'), 400, NO_SIGNATURE);
    await loggedIn(await jwtOf(rsa), 'web', 'turned');
  });

  test('ends with its mount, and so do its tokens', async () => {
    await enable('gone', { jwt_validation_pubkeys: [key.pem] });
    await write('gone/role/web', web);
    const auth = await loggedIn(await jwtOf(key), 'web', 'gone');
    await cluster.node.call('DELETE', 'sys/auth/gone');
    assert.not(await calls.lives(auth.client_token));
    await calls.post('sys/auth/gone', { type: 'jwt' });
    assert.is((await calls.get('auth/gone/config')).status, 404);
  });

  test('is answered below 500 whatever is sent', async () => {
    const jwt = await jwtOf(key);
    const part = fc.oneof(
      fc.string(),
      fc.json().map(text => Buffer.from(text).toString('base64url')),
    );
    const broken = fc.tuple(fc.nat(jwt.length - 1), fc.string({ minLength: 1, maxLength: 1 }));
    const sent = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(part, { maxLength: 5 }).map(parts => parts.join('.')),
      broken.map(([at, text]) => jwt.slice(0, at) + text + jwt.slice(at + 1)),
      fc.jsonValue(),
    );
    await fc.assert(
      fc.asyncProperty(sent, async value => {
        const reply = await cluster.node.call('POST', 'auth/jwt/login', { role: 'web', jwt: value }, { token: null });
        assert.ok(reply.status === 400 || value === jwt, `${reply.status} ${reply.text}`);
      }),
      { numRuns: 200 },
    );
    refusedWith(await login(`${'a'.repeat(40_000)}.b.c`), 400, 'error validating token: this is not a signed JWT');
  });

  test('asks the issuer for its keys once, and finds them by their names', async () => {
    await loggedIn(await jwtOf(key), 'web', 'jwks');
    const before = issuer.asked();
    for (const each of [key, rsa, key]) await loggedIn(await jwtOf(each), 'web', 'jwks');
    assert.is(issuer.asked(), before);
    refusedWith(await login(await jwtOf(stranger), 'web', 'jwks'), 400, NO_SIGNATURE);
  });

  test('asks for them again at a name that is not known, but not at every one', async () => {
    await enable('turn', { jwks_url: `${issuer.url}/keys` });
    await write('turn/role/web', web);
    await issuer.publish(ed);
    await loggedIn(await jwtOf(ed), 'web', 'turn');
    const before = issuer.asked();
    for (let i = 0; i < 20; i += 1)
      refusedWith(await login(await jwtOf(signingKey(`unknown ${i}`)), 'web', 'turn'), 400, NO_KEY);
    assert.is(issuer.asked(), before);
  });

  test('asks for them again where one has taken the name of another', async () => {
    await issuer.publish(key);
    await enable('same', { jwks_url: `${issuer.url}/keys` });
    await write('same/role/web', web);
    await loggedIn(await jwtOf(key), 'web', 'same');
    const young = signingKey(key.kid);
    await issuer.publish(young);
    refusedWith(await login(await jwtOf(young), 'web', 'same'), 400, NO_SIGNATURE);
    await later(11, async () => {
      await loggedIn(await jwtOf(young), 'web', 'same');
      refusedWith(await login(await jwtOf(key), 'web', 'same'), 400, NO_SIGNATURE);
    });
  });

  test('finds them by discovery, of the issuer that the document speaks for and no other', async () => {
    await issuer.publish(key);
    await enable('oidc', { oidc_discovery_url: issuer.url });
    await write('oidc/role/web', web);
    await loggedIn(await jwtOf(key, { iss: issuer.url }), 'web', 'oidc');
    refusedWith(
      await login(await jwtOf(key), 'web', 'oidc'),
      400,
      'error validating token: invalid issuer (iss) claim',
    );
    refusedWith(
      await calls.post('auth/oidc/config', { oidc_discovery_url: issuer.url.replace('127.0.0.1', 'localhost') }),
      400,
      "error checking oidc discovery URL: the issuer's discovery document does not speak for this issuer",
    );
  });

  test('takes them over TLS from whom the administrator named, and from nobody else', async () => {
    const certificate = issue({ name: 'issuer', addresses: ['127.0.0.1'] });
    const secure = await publisher(certificate);
    await secure.publish(key);
    const jwks_url = `${secure.url}/keys`;
    const why = 'error checking jwks URL: the keys of the issuer cannot be had';
    await calls.post('sys/auth/tls', { type: 'jwt' });
    for (const authority of ['', issue({ name: 'else', ca: true }).pem])
      refusedWith(await calls.post('auth/tls/config', { jwks_url, jwks_ca_pem: authority }), 400, why);
    await write('tls/config', { jwks_url, jwks_ca_pem: certificate.pem });
    await write('tls/role/web', web);
    await loggedIn(await jwtOf(key), 'web', 'tls');
  });

  const CANNOT = 'the keys of the issuer cannot be had';
  const NOT_KEYS = "the issuer's answer is not a key set of 256 keys at most";
  const ANSWERS: readonly (readonly [number, string, Json, string])[] = [
    [500, '{"keys":[]}', {}, CANNOT],
    [302, '', { location: '/elsewhere' }, CANNOT],
    [200, 'not json', {}, CANNOT],
    [200, '[]', {}, NOT_KEYS],
    [200, '{"keys":[{"a":1}]}', {}, NOT_KEYS],
    [200, `{"keys":[],"pad":"${'x'.repeat(1024 * 1024)}"}`, {}, CANNOT],
  ];
  for (const [status, body, headers, why] of ANSWERS)
    test(`takes none from ${status} ${body.slice(0, 20)}`, async () => {
      issuer.answer(status, body, headers);
      const reply = await calls.post('auth/jwks/config', { jwks_url: `${issuer.url}/keys` });
      refusedWith(reply, 400, `error checking jwks URL: ${why}`);
    });

  test('is answered as a fault of the world where they cannot be had', async () => {
    await issuer.publish(key);
    await enable('away', { jwks_url: `${issuer.url}/keys` });
    await write('away/role/web', web);
    issuer.answer(503, '');
    refusedWith(
      await login(await jwtOf(key), 'web', 'away'),
      502,
      'error validating token: the keys of the issuer cannot be had',
    );
  });
});
