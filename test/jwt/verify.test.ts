/** Signatures of JWTs: every algorithm that is taken, and those that are not. */
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { exportJWK, SignJWT } from 'jose';
import * as assert from 'uvu/assert';
import { ALGORITHMS } from '../../src/jwt/algorithms.js';
import { readPublicKey } from '../../src/jwt/public-keys.js';
import { type Verified, verifyByKeySet, verifyByKeys } from '../../src/jwt/verify.js';
import { issue, newKey } from '../support/certificates.js';
import { describe } from '../support/describe.js';

const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

const pairFor = (alg: string) => {
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519');
  const namedCurve = CURVES[alg];
  return namedCurve === undefined ? rsa : generateKeyPairSync('ec', { namedCurve });
};

const sign = (alg: string, key: KeyObject, header = {}): Promise<string> =>
  new SignJWT({ sub: 'ada' }).setProtectedHeader({ alg, ...header }).sign(key);

const written = (key: KeyObject): KeyObject => {
  const read = readPublicKey(String(key.export({ type: 'spki', format: 'pem' })));
  if (typeof read === 'string') throw new Error(read);
  return read;
};

const subject = (found: Verified): unknown => (typeof found === 'string' ? found : found.claims.sub);

describe('a signature of a JWT', test => {
  for (const alg of ALGORITHMS)
    test(`is checked by ${alg}, with a key that is written down or published`, async () => {
      const { privateKey, publicKey } = pairFor(alg);
      const jwt = await sign(alg, privateKey);
      const others = [newKey().publicKey, pairFor(alg === 'EdDSA' ? 'ES256' : 'EdDSA').publicKey].map(written);
      assert.is(subject(await verifyByKeys(jwt, [...others, written(publicKey)], ALGORITHMS)), 'ada');
      assert.is(subject(await verifyByKeys(jwt, others, ALGORITHMS)), 'signature');
      const published = { keys: await Promise.all([...others, publicKey, publicKey].map(key => exportJWK(key))) };
      assert.is(subject(await verifyByKeySet(jwt, published, ALGORITHMS)), 'ada');
      const fewer = ALGORITHMS.filter(other => other !== alg);
      assert.is.not(subject(await verifyByKeySet(jwt, published, fewer)), 'ada');
      assert.is.not(subject(await verifyByKeys(jwt, [written(publicKey)], fewer)), 'ada');
    });

  test('is never one by a shared secret, even if an issuer publishes it', async () => {
    const secret = createSecretKey(Buffer.alloc(32, 1));
    const jwt = await sign('HS256', secret);
    const keys = [await exportJWK(secret)];
    assert.type(await verifyByKeySet(jwt, { keys }, ALGORITHMS), 'string');
  });

  test('is not looked at where the token asks for what is not understood', async () => {
    const { privateKey, publicKey } = rsa;
    const jwt = await new SignJWT({ sub: 'ada' })
      .setProtectedHeader({ alg: 'RS256', crit: ['exp'], exp: 1 })
      .sign(privateKey, { crit: { exp: true } });
    assert.type(await verifyByKeys(jwt, [publicKey], ALGORITHMS), 'string');
  });

  test('stands for one spelling of the token only', async () => {
    const jwt = await sign('RS256', rsa.privateKey);
    // 256 bytes end in a character of which four bits stand for nothing.
    const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const idle = `${jwt.slice(0, -1)}${last[last.indexOf(jwt.at(-1) ?? '') + 1]}`;
    for (const other of [idle, ` ${jwt}`, `${jwt}=`, `${jwt}\n`, jwt.replace('.', '..'), `${jwt}.`])
      assert.is(await verifyByKeys(other, [rsa.publicKey], ALGORITHMS), 'malformed');
  });

  test('is checked by the key of a certificate too', () => {
    assert.not.type(readPublicKey(issue().pem), 'string');
  });
});
