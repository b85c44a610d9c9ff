/**
 * A server that speaks as much of the transit API as wrapping a key needs: tokens, ciphertexts with a key version, sealed and
 * forbidden answers. It can be made to be away, slow, or to revoke its tokens. Loopback only.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TransitServer {
  /** `transit:…`, without and with the options that reach it. */
  readonly uri: string;
  readonly setting: string;
  /** Every request that came, as `VERB key`. */
  readonly asked: readonly string[];
  readonly tokenFile: string;
  readonly folder: string;
  /** `sealed` answers 503; `away` ends every connection; `slow` answers nobody as long as it is; `odd` answers what is no transit. */
  mode: 'well' | 'sealed' | 'away' | 'slow' | 'odd' | 'redirecting' | 'endless';
  /** From now on nobody's token is good. */
  revoke(): void;
  /** A new token, into the file. */
  renew(): void;
  /** Another key of the same name, as after a restore of the wrong one. */
  replaceKey(): void;
  stop(): Promise<void>;
}

/** With a certificate it speaks HTTPS; `ca` = who signed it. */
export const startTransit = async (tls?: { cert: string; key: string; ca: string }): Promise<TransitServer> => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-transit-'));
  const tokenFile = join(folder, 'token');
  let token = '';
  let key = randomBytes(32);
  const asked: string[] = [];
  const renew = (): void => {
    token = `hvs.${randomBytes(12).toString('hex')}`;
    writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  };
  renew();

  const encrypt = (plaintext: string): string => {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, iv);
    const body = Buffer.concat([cipher.update(Buffer.from(plaintext, 'base64')), cipher.final()]);
    return `vault:v1:${Buffer.concat([iv, body, cipher.getAuthTag()]).toString('base64')}`;
  };
  const decrypt = (ciphertext: string): string | null => {
    const bytes = Buffer.from(/^vault:v1:(.*)$/.exec(ciphertext)?.[1] ?? '', 'base64');
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
      decipher.setAuthTag(bytes.subarray(-16));
      return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('base64');
    } catch {
      return null;
    }
  };

  const answer = (response: ServerResponse, status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const verb = /^\/v1\/keys\/transit\/(encrypt|decrypt)\/tallystick$/.exec(request.url ?? '')?.[1];
    let text = '';
    for await (const part of request) text += String(part);
    asked.push(`${request.method} ${verb}`);
    while (transit.mode === 'slow' && !response.destroyed) await new Promise(resolve => setTimeout(resolve, 20));
    if (response.destroyed) return;
    switch (transit.mode) {
      case 'away':
        request.socket.destroy();
        return;
      case 'odd':
        response.end('<html>');
        return;
      case 'redirecting':
        response.writeHead(307, { location: 'http://127.0.0.1:1/v1/elsewhere' }).end();
        return;
      case 'endless':
        response.end(Buffer.alloc(1_000_000, 'x'));
        return;
      case 'sealed':
        return answer(response, 503, { errors: ['Vault is sealed'] });
    }
    if (request.headers['x-vault-token'] !== token) return answer(response, 403, { errors: ['permission denied'] });
    if (verb === undefined || request.method !== 'POST') return answer(response, 404, { errors: [] });
    const fields = JSON.parse(text);
    if (verb === 'encrypt')
      return answer(response, 200, { data: { ciphertext: encrypt(fields.plaintext), key_version: 1 } });
    const plaintext = decrypt(fields.ciphertext);
    if (plaintext === null) return answer(response, 400, { errors: ['cipher: message authentication failed'] });
    return answer(response, 200, { data: { plaintext } });
  };
  const answering = (request: IncomingMessage, response: ServerResponse): void => void handle(request, response);
  const server = tls === undefined ? createServer(answering) : createTlsServer(tls, answering);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const ca = join(folder, 'ca.pem');
  if (tls !== undefined) writeFileSync(ca, tls.ca);
  const trusted = tls === undefined ? '' : `&ca=${ca}`;
  const uri = `transit:${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/keys/transit/tallystick`;
  const transit: TransitServer = {
    ...{ uri, setting: `${uri}#token-file=${tokenFile}${trusted}`, asked, tokenFile, folder, renew },
    mode: 'well',
    revoke: () => {
      token = 'revoked';
    },
    replaceKey: () => {
      key = randomBytes(32);
    },
    stop: () =>
      new Promise(resolve => {
        rmSync(folder, { recursive: true, force: true });
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return transit;
};
