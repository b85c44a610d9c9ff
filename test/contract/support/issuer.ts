/** An issuer of JWTs in the test: keys that it signs with, and a real HTTP server that publishes them. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { exportJWK, type JWK, SignJWT } from 'jose';
import { whenSuiteEnds } from '../../support/cleanup.js';
import type { ClientCertificate } from '../../support/client.js';

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly pem: string;
}

export const signingKey = (kid: string, alg = 'ES256'): SigningKey => {
  const pair =
    alg === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : alg.startsWith('ES')
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { kid, alg, ...pair, pem: String(pair.publicKey.export({ type: 'spki', format: 'pem' })) };
};

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** Good for a minute, for the audience of the tests, unless `claims` say otherwise; null takes a claim away. */
export const jwtOf = (key: SigningKey, claims: Readonly<Record<string, unknown>> = {}): Promise<string> => {
  const usual = { iss: 'https://issuer.test', sub: 'ada', aud: 'tallystick', exp: nowSeconds() + 60 };
  const said = Object.entries({ ...usual, ...claims }).filter(([, value]) => value !== null);
  return new SignJWT(Object.fromEntries(said)).setProtectedHeader({ alg: key.alg, kid: key.kid }).sign(key.privateKey);
};

export interface Publisher {
  readonly url: string;
  /** How often keys were asked for. */
  asked(): number;
  publish(...keys: readonly SigningKey[]): Promise<void>;
  /** What is answered instead. */
  answer(status: number, body: string, headers?: Readonly<Record<string, string>>): void;
}

/** With a certificate: over TLS. */
export const publisher = async (certificate: ClientCertificate | null = null): Promise<Publisher> => {
  let asked = 0;
  let keys: readonly JWK[] = [];
  let instead: { status: number; body: string; headers: Readonly<Record<string, string>> } | null = null;
  const base = (): string => `http${certificate === null ? '' : 's'}://127.0.0.1:${portOf()}`;
  const respond: RequestListener = (request, response) => {
    asked += 1;
    if (instead !== null) {
      response.writeHead(instead.status, instead.headers).end(instead.body);
      return;
    }
    const discovery = request.url === '/.well-known/openid-configuration';
    response.end(JSON.stringify(discovery ? { issuer: base(), jwks_uri: `${base()}/keys` } : { keys }));
  };
  const server =
    certificate === null
      ? createServer(respond)
      : createTlsServer({ cert: certificate.pem, key: certificate.keyPem }, respond);
  const portOf = (): number => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  };
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  whenSuiteEnds(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: base(),
    asked: () => asked,
    publish: async (...published) => {
      keys = await Promise.all(
        published.map(async ({ publicKey, kid, alg }) => ({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' })),
      );
      instead = null;
    },
    answer: (status, body, headers = {}) => {
      instead = { status, body, headers };
    },
  };
};
