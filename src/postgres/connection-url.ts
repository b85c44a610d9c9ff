/** From a database URL to connection options. TLS is on for every host that is not this machine, and it verifies. */
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from './connection.js';

export interface TlsFiles {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

/** A setting that cannot be used; the message says which and why, without the URL, which holds a password. */
export class UnusableDatabase extends Error {
  override readonly name = 'UnusableDatabase';
}

const isLocal = (host: string): boolean =>
  host.startsWith('/') || host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);

export const connectionFromUrl = (text: string, tls: TlsFiles): ConnectionOptions => {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new UnusableDatabase(
      'the database URL cannot be read: it must look like postgres://user:password@host:5432/database',
    );
  }
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname.replace(/^\[|\]$/g, ''));
  const user = decodeURIComponent(url.username);
  if (host === '' || user === '') throw new UnusableDatabase('the database URL names no host or no user');
  const mode = url.searchParams.get('sslmode');
  if (mode === 'disable' && !isLocal(host))
    throw new UnusableDatabase('sslmode=disable is refused: TLS is required to any database host but this machine');
  const wantsTls = !isLocal(host) || (mode !== null && mode !== 'disable' && mode !== 'prefer' && mode !== 'allow');
  return {
    host,
    port: Number(url.port === '' ? '5432' : url.port),
    database: decodeURIComponent(url.pathname.slice(1)) || user,
    user,
    password: decodeURIComponent(url.password),
    tls: wantsTls ? tlsOptions(withFilesOf(url, tls)) : null,
  };
};

/** libpq's names for the same files; our settings win. */
const withFilesOf = (url: URL, { ca, cert, key }: TlsFiles): TlsFiles => ({
  ca: ca ?? url.searchParams.get('sslrootcert'),
  cert: cert ?? url.searchParams.get('sslcert'),
  key: key ?? url.searchParams.get('sslkey'),
});

/** The server's certificate is checked against the host's name or address, which `pg` adds; stricter than libpq's `require`. */
const tlsOptions = ({ ca, cert, key }: TlsFiles): NonNullable<ConnectionOptions['tls']> => ({
  minVersion: 'TLSv1.2',
  rejectUnauthorized: true,
  ...(ca === null ? {} : { ca: read('TALLYSTICK_DATABASE_CA', ca) }),
  ...(cert === null ? {} : { cert: read('TALLYSTICK_DATABASE_CERT', cert) }),
  ...(key === null ? {} : { key: read('TALLYSTICK_DATABASE_KEY', key) }),
});

const read = (setting: string, path: string): Buffer => {
  try {
    return readFileSync(path);
  } catch {
    throw new UnusableDatabase(`${setting}: ${path} cannot be read`);
  }
};
