/** `dev.json` in the data folder: where a local `tally dev` listens and its token. Written by that server, mode 0600. */
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import * as t from 'io-ts';
import { E } from '../fp.js';
import { readPrivateFile } from './private-file.js';

const DevFile = t.type({ address: t.string, token: t.string });
export type DevFile = t.TypeOf<typeof DevFile>;

/** A dev server is one of this machine: whoever unpacks a folder must not be led to another one by the file in it. */
const isHere = (address: string): boolean => {
  if (!URL.canParse(address)) return false;
  const host = new URL(address).hostname.replace(/^\[|\]$/g, '');
  const own = Object.values(networkInterfaces()).flatMap(each => each ?? []);
  return (
    host === 'localhost' || /^127(\.\d+){3}$|^0\.0\.0\.0$|^::1?$/.test(host) || own.some(each => each.address === host)
  );
};

/** `null` when no dev server ever ran in this folder, its file is not whole, or it speaks of another machine. */
export const readDevFile = async (dataFolder: string): Promise<DevFile | null> => {
  const text = await readPrivateFile(join(dataFolder, 'dev.json'));
  if (text === null) return null;
  try {
    const decoded = DevFile.decode(JSON.parse(text));
    return E.isRight(decoded) && isHere(decoded.right.address) ? decoded.right : null;
  } catch {
    return null;
  }
};
