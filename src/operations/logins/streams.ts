/** Where the things of an auth mount have their events: keyed ids of mount and name, as events.md §1 gives them. */
import { concat, type Uuid, uuidBytes } from '../../crypto/bytes.js';
import { stream } from '../../crypto/names.js';
import type { Session } from '../../nexus/session.js';

/** `alias` is no stream: it is the id under which an entity keeps a name that a method knows. */
export type AuthStream = 'role' | 'login' | 'secretid' | 'alias';

export const authStream = ({ custody }: Session, kind: AuthStream, mount: Uuid, name: string): Uuid =>
  stream(custody.keyring.indexKey, custody.ledger, kind, concat(uuidBytes(mount), Buffer.from(name, 'utf8')));
