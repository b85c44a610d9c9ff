/**
 * Which server a command talks to, and as whom. Both are decided once, before the first request, and each keeps where it
 * came from, so that a refusal can say which setting to change.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readDevFile } from './dev-file.js';
import type { Environment } from './environment.js';
import { badInput } from './exit-codes.js';
import { readSavedToken, savedLoginPath } from './saved-login.js';

export interface ConnectionOptions {
  readonly address?: string;
  readonly caCert?: string;
}

export interface Connection {
  /** An origin and, behind a proxy, a path prefix; no slash at the end. */
  readonly address: string;
  readonly addressFrom: string;
  readonly token: string | null;
  readonly tokenFrom: string | null;
  /** PEM text of the only authorities that are believed; `null` = those of the system. */
  readonly ca: string | null;
}

export const DEFAULT_ADDRESS = 'http://127.0.0.1:8200';

const normalAddress = (text: string, from: string): string => {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.search !== '' || url.hash !== '') {
    throw badInput(`the address in ${from} is not one`, `It looks like this: ${DEFAULT_ADDRESS}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw badInput(`the address in ${from} holds a user name or a password`, 'Log in with `tally login` instead.');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
};

const readCa = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch {
    throw badInput(
      `cannot read the CA certificate ${path}`,
      'It is a PEM file: --ca-cert, TALLYSTICK_CACERT or VAULT_CACERT.',
    );
  }
};

const asToken = (value: string, from: string): { value: string; from: string } => {
  if (/^[\x21-\x7e]+$/.test(value)) return { value, from };
  throw badInput(`the token in ${from} has a blank or a character that no token has`, 'Was a line end copied with it?');
};

const tokenFor = async (environment: Environment, address: string): Promise<{ value: string; from: string } | null> => {
  if (environment.token !== null) return asToken(environment.token.value.trim(), environment.token.from);
  const saved = await readSavedToken(environment.home, address);
  return saved === null ? null : asToken(saved, savedLoginPath(environment.home));
};

/**
 * Address: flag, environment, dev.json, default. Token: environment, then the saved login of exactly that address, then
 * dev.json when it speaks of that address. dev.json is opened only when something is still missing.
 */
export const connectionOf = async (environment: Environment, options: ConnectionOptions): Promise<Connection> => {
  const devFrom = join(environment.dataFolder, 'dev.json');
  const readDev = async (): Promise<{ address: string; token: string } | null> => {
    const dev = await readDevFile(environment.dataFolder);
    return dev === null ? null : { address: normalAddress(dev.address, devFrom), token: dev.token };
  };

  const given = options.address === undefined ? environment.address : { value: options.address, from: '--address' };
  let dev = given === null ? await readDev() : null;
  const address = given === null ? (dev?.address ?? DEFAULT_ADDRESS) : normalAddress(given.value, given.from);

  let token = await tokenFor(environment, address);
  if (token === null) {
    dev ??= await readDev();
    if (dev?.address === address) token = asToken(dev.token, devFrom);
  }

  const ca = options.caCert ?? environment.caCert?.value ?? null;
  return {
    address,
    addressFrom: given?.from ?? (dev === null ? 'the default' : devFrom),
    token: token?.value ?? null,
    tokenFrom: token?.from ?? null,
    ca: ca === null ? null : await readCa(ca),
  };
};
