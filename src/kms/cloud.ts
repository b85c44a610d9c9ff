/**
 * Keys of the clouds. Each cloud's own client is an optional package, loaded when a key of it is named and never before; it
 * finds its credentials in its usual way. Packages that may be absent have no types here: what they give is looked at.
 */
import * as t from 'io-ts';
import { keyCopy, wipe } from '../crypto/bytes.js';
import { type Kms, KmsError } from './kms.js';

/** Loads a package by its name. */
export type Load = (name: string) => Promise<unknown>;

const importPackage: Load = name => import(name);

const ANSWER_MS = 10_000;

/** What a client of one cloud does with one key. */
interface Client {
  readonly encrypt: (key: Buffer) => Promise<unknown>;
  readonly decrypt: (ciphertext: Buffer) => Promise<unknown>;
  /** Where in the answers the bytes are. */
  readonly encrypted: string;
  readonly decrypted: string;
}

interface Cloud {
  readonly packages: readonly string[];
  readonly open: (key: string, packages: readonly unknown[]) => Client;
}

const CLOUDS: Readonly<Record<string, Cloud>> = {
  'aws-kms': {
    packages: ['@aws-sdk/client-kms'],
    open: (KeyId, [sdk]) => {
      const client = create(sdk, 'KMSClient', { region: KeyId.split(':')[3] });
      return {
        encrypt: Plaintext => call(client, 'send', create(sdk, 'EncryptCommand', { KeyId, Plaintext })),
        decrypt: CiphertextBlob => call(client, 'send', create(sdk, 'DecryptCommand', { KeyId, CiphertextBlob })),
        ...{ encrypted: 'CiphertextBlob', decrypted: 'Plaintext' },
      };
    },
  },
  'gcp-kms': {
    packages: ['@google-cloud/kms'],
    open: (name, [sdk]) => {
      const client = create(sdk, 'KeyManagementServiceClient');
      return {
        encrypt: async plaintext => first(await call(client, 'encrypt', { name, plaintext })),
        decrypt: async ciphertext => first(await call(client, 'decrypt', { name, ciphertext })),
        ...{ encrypted: 'ciphertext', decrypted: 'plaintext' },
      };
    },
  },
  'azure-kms': {
    packages: ['@azure/keyvault-keys', '@azure/identity'],
    open: (key, [keys, identity]) => {
      const client = create(keys, 'CryptographyClient', key, create(identity, 'DefaultAzureCredential'));
      return {
        encrypt: plain => call(client, 'wrapKey', 'RSA-OAEP-256', plain),
        decrypt: wrapped => call(client, 'unwrapKey', 'RSA-OAEP-256', wrapped),
        ...{ encrypted: 'result', decrypted: 'result' },
      };
    },
  },
};

export const CLOUD_SCHEMES: readonly string[] = Object.keys(CLOUDS);

/** `uri` = `SCHEME:KEY`. The packages are loaded at the first use. */
export const cloudKms = (uri: string, load: Load = importPackage): Kms => {
  let opened: Promise<Client> | null = null;
  const client = (): Promise<Client> => (opened ??= openCloud(uri, load));
  return {
    uri,
    wrap: async key => {
      const { encrypt, encrypted } = await client();
      return bytesIn(uri, encrypted, await inTime(uri, encrypt(key)));
    },
    unwrap: async ciphertext => {
      const { decrypt, decrypted } = await client();
      return bytesIn(uri, decrypted, await inTime(uri, decrypt(ciphertext)));
    },
  };
};

const openCloud = async (uri: string, load: Load): Promise<Client> => {
  const at = uri.indexOf(':');
  const cloud = CLOUDS[uri.slice(0, at)];
  if (cloud === undefined) throw new KmsError('refused', `${uri}: no such cloud is known`);
  const packages: unknown[] = [];
  for (const name of cloud.packages) {
    try {
      packages.push(await load(name));
    } catch {
      const all = cloud.packages.join(' ');
      throw new KmsError('refused', `${uri} needs a package that is not installed: npm install ${all}`);
    }
  }
  return cloud.open(uri.slice(at + 1), packages);
};

const inTime = async (uri: string, answer: Promise<unknown>): Promise<unknown> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new KmsError('away', `${uri}: no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } catch (error) {
    if (error instanceof KmsError) throw error;
    throw new KmsError(...troubleOf(uri, error));
  } finally {
    clearTimeout(timer);
  }
};

const DENIED = /denied|unauthori[sz]ed|forbidden|credentials|^(?:401|403|7|16)$/i;
const REFUSED = /invalid|notfound|disabled|pendingdeletion|^(?:400|404|3|5|9)$/i;

/** The clouds' clients say it by name, by HTTP status or by gRPC code. */
const troubleOf = (uri: string, error: unknown): ConstructorParameters<typeof KmsError> => {
  const said = ['name', 'code', 'statusCode'].map(field => String(member(error, field) ?? ''));
  if (said.some(word => DENIED.test(word)))
    return ['denied', `${uri}: permission denied: this server's credential may not use the key`];
  if (said.some(word => REFUSED.test(word)))
    return ['refused', `${uri}: there is no such key, it is disabled, or the slot was wrapped by another key`];
  return ['away', `${uri}: it cannot be reached, or is not well`];
};

const Bytes = new t.Type<Uint8Array>(
  'bytes',
  (value): value is Uint8Array => value instanceof Uint8Array,
  (value, context) => (value instanceof Uint8Array ? t.success(value) : t.failure(value, context)),
  t.identity,
);

const bytesIn = (uri: string, name: string, answer: unknown): Buffer => {
  const decoded = Bytes.decode(member(answer, name));
  if (decoded._tag === 'Left') throw new KmsError('refused', `${uri}: its client answered in a way that is not known`);
  const copy = keyCopy(decoded.right);
  wipe(decoded.right);
  return copy;
};

const first = (answer: unknown): unknown => (Array.isArray(answer) ? answer[0] : undefined);

const member = (of: unknown, name: string): unknown =>
  typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined;

/** CommonJS packages have their exports on `default`, or beside it. */
const exported = (sdk: unknown, name: string): unknown => member(sdk, name) ?? member(member(sdk, 'default'), name);

const create = (sdk: unknown, name: string, ...args: readonly unknown[]): unknown => {
  const made = exported(sdk, name);
  if (typeof made !== 'function') throw new KmsError('refused', `the installed cloud package has no ${name}`);
  return Reflect.construct(made, args);
};

const call = async (of: unknown, name: string, ...args: readonly unknown[]): Promise<unknown> => {
  const method = member(of, name);
  if (typeof method !== 'function') throw new KmsError('refused', `the installed cloud package has no ${name}`);
  return Reflect.apply(method, of, args);
};
