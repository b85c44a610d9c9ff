/** How long headers are kept: recorded, the same on every node. */
import * as t from 'io-ts';
import type { Authority } from '../../authority/authority.js';
import type { HeaderSettings } from './contract.js';

/** The name of the settings in `config.changed`. */
export const HEADERS = 'headers';

const Stored = t.type({ keep_ms: t.number, automatic: t.boolean });

/** What cannot be read keeps everything. */
export const headerSettings = (authority: Authority): HeaderSettings => {
  const stored = Stored.decode(authority.config.get(HEADERS));
  if (stored._tag === 'Left') return { keepMs: null, automatic: false };
  return { keepMs: stored.right.keep_ms, automatic: stored.right.automatic };
};

export const storedHeaders = ({ keepMs, automatic }: HeaderSettings): object | null =>
  keepMs === null ? null : { keep_ms: keepMs, automatic };
