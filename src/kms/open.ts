/**
 * From the text of a setting to a key that somebody else keeps. `URI#option=…&option=…`: the URI names the key and is what
 * slots remember; the options say how this node reaches it, and stay here.
 */
import { isAbsolute } from 'node:path';
import { E, type Either } from '../fp.js';
import { CLOUD_SCHEMES, cloudKms } from './cloud.js';
import { execKms } from './exec.js';
import { checkedKms, type Kms } from './kms.js';
import { transitKms } from './transit.js';

const URI_CHARACTERS_MAX = 1024;
const TRANSIT_SECONDS = 5;
const EXEC_SECONDS = 10;

class Unusable extends Error {}

/** Left: one sentence that says what is wrong with it, without quoting it. */
export const openKms = (text: string): Either<string, Kms> => {
  try {
    return E.right(checkedKms(opened(text)));
  } catch (error) {
    if (error instanceof Unusable) return E.left(error.message);
    throw error;
  }
};

const opened = (text: string): Kms => {
  const [uri = '', fragment = ''] = text.split('#', 2);
  if (uri.length > URI_CHARACTERS_MAX) throw new Unusable(`has more than ${URI_CHARACTERS_MAX} characters`);
  const options = new URLSearchParams(fragment);
  const scheme = uri.slice(0, uri.indexOf(':'));
  if (scheme === 'transit') return transit(uri, options);
  if (scheme === 'exec') return exec(uri, options);
  if (CLOUD_SCHEMES.includes(scheme)) {
    only(options, []);
    return cloudKms(uri);
  }
  throw new Unusable(`begins with transit:, exec:, ${CLOUD_SCHEMES.map(name => `${name}:`).join(' or ')}`);
};

const only = (options: URLSearchParams, known: readonly string[]): void => {
  for (const name of options.keys())
    if (!known.includes(name))
      throw new Unusable(`has an option that is not known: after # may come ${known.join(', ') || 'nothing'}`);
};

const transit = (uri: string, options: URLSearchParams): Kms => {
  only(options, ['token-file', 'ca', 'namespace', 'timeout']);
  const url = asUrl(uri.slice('transit:'.length));
  const segments = url.pathname.split('/').filter(segment => segment !== '');
  const key = segments.pop();
  if (key === undefined || segments.length === 0)
    throw new Unusable('of kind transit: is transit:https://HOST:8200/MOUNT/KEY');
  if (url.username !== '' || url.password !== '' || url.search !== '')
    throw new Unusable('of kind transit: holds no credential and no query: the token is in the file of token-file');
  const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback))
    throw new Unusable('of kind transit: is reached by https://, or by http:// on this machine');
  const tokenFile = options.get('token-file');
  if (tokenFile === null) throw new Unusable('of kind transit: needs #token-file=PATH');
  return transitKms(uri, {
    ...{ origin: url.origin, mount: segments.join('/'), key, tokenFile },
    ...{ caFile: options.get('ca'), namespace: options.get('namespace') },
    timeoutMs: timeoutMs(options, TRANSIT_SECONDS),
  });
};

const asUrl = (text: string): URL => {
  try {
    return new URL(text);
  } catch {
    throw new Unusable('of kind transit: is transit:https://HOST:8200/MOUNT/KEY');
  }
};

const exec = (uri: string, options: URLSearchParams): Kms => {
  only(options, ['timeout']);
  const [program = '', query = ''] = uri.slice('exec:'.length).split('?', 2);
  if (!isAbsolute(program)) throw new Unusable('of kind exec: is exec:/path/to/program?arg=FIRST&arg=SECOND');
  const args = new URLSearchParams(query);
  if ([...args.keys()].some(name => name !== 'arg'))
    throw new Unusable('of kind exec: takes arguments as ?arg=…&arg=…');
  return execKms(uri, { program, args: args.getAll('arg'), timeoutMs: timeoutMs(options, EXEC_SECONDS) });
};

const timeoutMs = (options: URLSearchParams, otherwise: number): number => {
  const text = options.get('timeout') ?? String(otherwise);
  if (!/^[1-9]\d?$/.test(text)) throw new Unusable('has a timeout of 1 to 99 seconds');
  return Number(text) * 1000;
};
