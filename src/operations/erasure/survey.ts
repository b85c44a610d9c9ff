/** Every secret of a scope with the keys that it still has, and whether something keeps them. */
import type { Mount } from '../../authority/mounts.js';
import type { Uuid } from '../../crypto/bytes.js';
import { segmentsOf } from '../../domain/secret/path.js';
import { exists, type SecretState } from '../../domain/secret/state.js';
import { IntegrityError } from '../../ledger/integrity.js';
import { readSecret, rememberLive, withLive } from '../../nexus/secret-streams.js';
import type { Session } from '../../nexus/session.js';
import { type StreamKey, streamKeys } from '../../nexus/stream-keys.js';
import type { InScope, Scope } from '../ledger/restore-compare.js';
import type { EraseOutcome } from './contract.js';
import { nodesOf, whyKept } from './kept.js';

export interface Surveyed extends InScope {
  readonly outcome: EraseOutcome;
  readonly detail: string | null;
  readonly state: SecretState;
  /** Not destroyed yet. */
  readonly keys: readonly StreamKey[];
  /** The mount, the folders and the secret itself. */
  readonly covering: ReadonlySet<Uuid>;
}

const AT_ONCE = 32;

/** In order of path. */
export const surveyAll = async (session: Session, mount: Mount, scope: Scope): Promise<readonly Surveyed[]> => {
  const surveyed: Surveyed[] = [];
  for (let from = 0; from < scope.secrets.length; from += AT_ONCE)
    surveyed.push(
      ...(await Promise.all(
        scope.secrets.slice(from, from + AT_ONCE).map(secret => surveyOne(session, mount, secret)),
      )),
    );
  return surveyed;
};

const surveyOne = async (session: Session, mount: Mount, secret: InScope): Promise<Surveyed> => {
  const { node, path } = secret;
  const state = await withLive(session, (await readSecret(session, node)).state, node);
  rememberLive(session, node, state);
  const keys = (await streamKeys(session, node, state.streamVersion)).filter(key => key.destroyedBy === null);
  const segments = segmentsOf(path);
  // It was taken from the tree, where only what was written by these rules is.
  if (segments._tag === 'Left') throw new IntegrityError('name of a secret');
  const covering = nodesOf(mount, session.names.resolve(mount, segments.right));
  const common = { ...secret, state, keys, covering };
  if (keys.length === 0 && !exists(state)) return { ...common, outcome: 'nothing', detail: null };
  const kept = whyKept(session.authority, covering, youngestOf(keys), session.now());
  if (kept !== null) return { ...common, outcome: kept.outcome, detail: kept.why };
  return { ...common, outcome: 'erase', detail: inWords(keys) };
};

/** µs; 0 = there is none. */
export const youngestOf = (keys: readonly StreamKey[]): number =>
  keys.reduce((youngest, { recordedAt }) => Math.max(youngest, recordedAt), 0);

const inWords = (keys: readonly StreamKey[]): string => {
  const values = keys.filter(({ type }) => type === 'secret.written').length;
  const metadata = keys.length - values;
  const parts = [
    ...(values === 0 ? [] : [`${values} value${values === 1 ? '' : 's'}`]),
    ...(metadata === 0 ? [] : [`${metadata} custom metadata`]),
  ];
  return parts.length === 0 ? 'its name only' : parts.join(', ');
};
