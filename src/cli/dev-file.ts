/** `dev.json` in the data folder: where a local `tally dev` listens and its token. Written by that server, mode 0600. */
import { join } from 'node:path';
import * as t from 'io-ts';
import { E } from '../fp.js';
import { readPrivateFile } from './private-file.js';

const DevFile = t.type({ address: t.string, token: t.string });
export type DevFile = t.TypeOf<typeof DevFile>;

/** `null` when no dev server ever ran in this folder, or its file is not whole. */
export const readDevFile = async (dataFolder: string): Promise<DevFile | null> => {
  const text = await readPrivateFile(join(dataFolder, 'dev.json'));
  if (text === null) return null;
  try {
    const decoded = DevFile.decode(JSON.parse(text));
    return E.isRight(decoded) ? decoded.right : null;
  } catch {
    return null;
  }
};
