/**
 * `transit:https://host:8200/MOUNT/KEY`: a transit key of a Vault or OpenBao server. Its token is read from a file for each
 * call, so that whoever renews it need not tell us. Plain HTTP is for loopback only; a redirect is never followed, since the
 * token must not go elsewhere.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import * as t from 'io-ts';
import { Agent, request } from 'undici';
import { keyFromText } from '../crypto/bytes.js';
import { type Kms, KmsError } from './kms.js';

export interface TransitSettings {
  /** `https://host:8200` */
  readonly origin: string;
  /** May have several segments. */
  readonly mount: string;
  readonly key: string;
  readonly tokenFile: string;
  readonly caFile: string | null;
  readonly namespace: string | null;
  /** For all tries together. */
  readonly timeoutMs: number;
}

const ANSWER_BYTES_MAX = 65_536;
const TRIES = 3;
const FIRST_PAUSE_MS = 100;

const Encrypted = t.type({ data: t.type({ ciphertext: t.string }) });
const Decrypted = t.type({ data: t.type({ plaintext: t.string }) });

export const transitKms = (uri: string, settings: TransitSettings): Kms => ({
  uri,
  wrap: async key => {
    const answer = await ask(uri, settings, 'encrypt', { plaintext: key.toString('base64') });
    return Buffer.from(understood(uri, Encrypted, answer).data.ciphertext, 'utf8');
  },
  unwrap: async ciphertext => {
    const answer = await ask(uri, settings, 'decrypt', { ciphertext: ciphertext.toString('utf8') });
    return keyFromText(understood(uri, Decrypted, answer).data.plaintext, 'base64');
  },
});

const understood = <A>(uri: string, codec: t.Type<A, unknown, unknown>, answer: unknown): A => {
  const decoded = codec.decode(answer);
  if (decoded._tag === 'Right') return decoded.right;
  throw new KmsError('refused', `${uri}: what answers there does not speak transit's API`);
};

/** Up to three tries, as far as trying again is worth while and there is time. */
const ask = async (uri: string, settings: TransitSettings, verb: string, body: object): Promise<unknown> => {
  const signal = AbortSignal.timeout(settings.timeoutMs);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once(uri, settings, { verb, body, signal });
    } catch (error) {
      const again = error instanceof KmsError && error.trouble === 'away' && attempt < TRIES && !signal.aborted;
      if (!again) throw error;
      await pause(FIRST_PAUSE_MS * 4 ** (attempt - 1));
    }
  }
};

interface Asked {
  readonly verb: string;
  readonly body: object;
  readonly signal: AbortSignal;
}

const once = async (uri: string, settings: TransitSettings, { verb, body, signal }: Asked): Promise<unknown> => {
  const { origin, mount, key, namespace, timeoutMs } = settings;
  const token = await fileText(uri, settings.tokenFile, 'token-file');
  const ca = settings.caFile === null ? {} : { ca: await fileText(uri, settings.caFile, 'ca') };
  const agent = new Agent({ connect: { ...ca, timeout: timeoutMs }, connections: 1 });
  const path = `v1/${mount}/${verb}/${key}`;
  try {
    const response = await request(`${origin}/${path}`, {
      dispatcher: agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-vault-request': 'true',
        'x-vault-token': token,
        ...(namespace === null ? {} : { 'x-vault-namespace': namespace }),
      },
      body: JSON.stringify(body),
      signal,
    });
    const text = await bounded(uri, response.body);
    const complaint = complaintAbout(response.statusCode, path);
    if (complaint !== null) throw new KmsError(complaint.trouble, `${uri}: ${complaint.words}`);
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof KmsError) throw error;
    if (error instanceof SyntaxError) throw new KmsError('refused', `${uri}: the answer is not JSON`);
    const late = signal.aborted ? `no answer within ${timeoutMs / 1000} s` : null;
    throw new KmsError('away', `${uri}: ${late ?? `it cannot be reached${codeOf(error)}`}`);
  } finally {
    await agent.destroy();
  }
};

const complaintAbout = (status: number, path: string): (Pick<KmsError, 'trouble'> & { words: string }) | null => {
  if (status === 200) return null;
  if (status === 401 || status === 403)
    return {
      trouble: 'denied',
      words: `permission denied (${status}): the token expired or was revoked, or its policy does not allow update on ${path.slice(3)}`,
    };
  if (status === 429 || status >= 500)
    return { trouble: 'away', words: `it answers ${status}: sealed, on standby or overloaded` };
  if (status >= 300 && status < 400)
    return {
      trouble: 'refused',
      words: `it redirects (${status}), which is not followed: name the active server's address`,
    };
  return {
    trouble: 'refused',
    words: `it answers ${status}: there is no such key or mount, or the slot was wrapped by another key`,
  };
};

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';

const fileText = async (uri: string, path: string, option: string): Promise<string> => {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    throw new KmsError('denied', `${uri}: ${option} ${path} cannot be read`);
  }
};

const bounded = async (uri: string, body: AsyncIterable<Buffer>): Promise<string> => {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > ANSWER_BYTES_MAX) throw new KmsError('refused', `${uri}: the answer is longer than any of transit's`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
};
