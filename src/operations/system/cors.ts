/** Which origins' pages may ask this server: a configuration item of the ledger (vault-wire.md §2.2). */

import * as t from 'io-ts';
import { stream } from '../../crypto/names.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseCommand } from '../authorise.js';
import { changeAuthority } from '../authority-change.js';
import { operation } from '../operation.js';
import type { Cors, CorsOperations } from './contract.js';

const ITEM = 'cors';
const ENTRIES_MAX = 100;
const ENTRY_BYTES_MAX = 512;

const Stored = t.type({ origins: t.array(t.string), headers: t.array(t.string) });

const currentOf = ({ authority }: Session): Cors | null => {
  const decoded = Stored.decode(authority.config.get(ITEM));
  return decoded._tag === 'Left' ? null : decoded.right;
};

const complaintOf = ({ origins, headers }: Cors): string | null => {
  if (origins.length === 0) return 'at least one origin or the wildcard must be provided';
  if (origins.includes('*') && origins.length > 1) return 'to allow all origins the "*" must be the only value';
  if ([...origins, ...headers].length > ENTRIES_MAX) return `there may be at most ${ENTRIES_MAX} origins and headers`;
  if ([...origins, ...headers].some(text => Buffer.byteLength(text) > ENTRY_BYTES_MAX))
    return `an origin or header has at most ${ENTRY_BYTES_MAX} bytes`;
  return headers.every(name => /^[\w!#$%&'*+.^`|~-]+$/.test(name))
    ? null
    : 'allowed_headers holds what is no header name';
};

export const corsOperations = (app: App): CorsOperations => ({
  current: () => (app.nexus.session === null ? null : currentOf(app.nexus.session)),

  read: operation('reading CORS settings', async context => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'cors.read', capability: 'read' });
    return currentOf(session);
  }),

  write: operation('changing CORS settings', async (context, cors) => {
    const session = sessionOf(app);
    const [op, capability] = ['cors.write', cors === null ? ('delete' as const) : ('update' as const)];
    const caller = await authoriseCommand(app, session, context, { op, capability });
    const complaint = cors === null ? null : complaintOf(cors);
    if (complaint !== null) refuse({ kind: 'invalid', message: complaint });
    const { keyring, ledger } = session.custody;
    const streamId = stream(keyring.indexKey, ledger, 'config', ITEM);
    return changeAuthority(app, caller, context, {
      ...{ op, capability, type: 'config.changed', streamId, own: { name: ITEM, settings: cors } },
      unless: () => (JSON.stringify(currentOf(session)) === JSON.stringify(cors) ? 'nothing' : null),
    });
  }),
});
