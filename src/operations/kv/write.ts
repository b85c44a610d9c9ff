/** Writing a version of a secret. */
import { headFromFacts } from '../../domain/secret/head.js';
import type { VersionMetadata } from '../../failure.js';
import { KeyKind } from '../../keys/key-kinds.js';
import { IntegrityError } from '../../ledger/integrity.js';
import { readSecret } from '../../nexus/secret-streams.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse } from '../app.js';
import { operation } from '../operation.js';
import type { At } from '../request.js';
import { type CommitResult, commitChange } from './commit.js';
import type { KvOperations } from './contract.js';
import { repeatedEvent } from './repeat.js';
import { type CustomMetadata, openAnnotation, openValue } from './values.js';

/** Bytes of one secret's JSON. */
const VALUE_BYTES_MAX = 1024 * 1024;
const FIELDS_MAX = 256;
/** A secret may have longer names than a header has room for. */
const FIELDS_BYTES_MAX = 64 * 1024;

export const writeOperation = (app: App): KvOperations['write'] =>
  operation('writing a secret', async (context, input) => {
    const plaintext = valueBytes(input.data);
    const done = await commitChange(app, context, input, {
      op: 'kv.write',
      type: 'secret.written',
      capability: exists => (exists ? 'update' : 'create'),
      prepare: (_session, located, state) => {
        const exists = state.head !== null && !state.head.removed;
        return {
          command: { kind: 'write', cas: input.cas, prepared: { exists } },
          own: {
            operation: exists ? 'update' : 'create',
            ...(input.cas === null ? {} : { cas: input.cas }),
            ...fieldNames(input.data),
          },
          body: { kind: KeyKind.secretVersion, owner: located.path.node, plaintext },
        };
      },
    });
    return writtenAnswer(done, plaintext);
  });

/** What is to be sealed of a value, within its bound. */
export const valueBytes = (data: string): Buffer => {
  const plaintext = Buffer.from(data, 'utf8');
  return plaintext.length > VALUE_BYTES_MAX
    ? refuse({ kind: 'too-large', message: 'a secret may hold at most 1 MiB of JSON' })
    : plaintext;
};

/** Names of the value's fields, for the header: cut beyond 256 or 64 KiB, with their count. */
export const fieldNames = (data: string): { fields?: readonly string[]; fields_count?: number } => {
  const parsed: unknown = JSON.parse(data);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return {};
  const names = Object.keys(parsed);
  const fields: string[] = [];
  let bytes = 0;
  for (const name of names.slice(0, FIELDS_MAX)) {
    bytes += Buffer.byteLength(JSON.stringify(name));
    if (bytes > FIELDS_BYTES_MAX) break;
    fields.push(name);
  }
  return fields.length === names.length ? { fields } : { fields, fields_count: names.length };
};

/** `plaintext` null: what may not carry an Idempotency-Key, so that a repeat is none of its own. */
export const writtenAnswer = async (done: CommitResult, plaintext: Buffer | null): Promise<At<VersionMetadata>> => {
  const { session, located, committed } = done;
  if (committed.kind === 'repeat')
    return plaintext === null
      ? refuse({ kind: 'idempotency-mismatch' })
      : repeated(session, committed.position, plaintext);
  const facts = committed.kind === 'done' ? committed.decided.at(-1)?.facts : undefined;
  if (committed.kind !== 'done' || facts === undefined) return refuse({ kind: 'busy', retryAfterSeconds: 1 });
  const head = headOf(facts, committed.position);
  const customMetadata = head.annotated === 0 ? null : await annotationNow(session, located.path.node);
  return {
    position: committed.position,
    value: {
      version: head.version,
      createdAt: committed.recordedAt,
      deletionTime: head.deletionTime,
      destroyed: false,
      customMetadata,
    },
  };
};

const headOf = (facts: Parameters<typeof headFromFacts>[0], position: number) => {
  const head = headFromFacts(facts);
  if (head._tag === 'Left') throw new IntegrityError('facts', position);
  return head.right;
};

const annotationNow = async (session: Session, node: string): Promise<CustomMetadata> => {
  const now = await readSecret(session, node);
  return openAnnotation(session, now.annotated, now);
};

/** The answer that the first one got. Another body, or one that was destroyed since, is a conflict (formats.md §7). */
const repeated = async (session: Session, position: number, plaintext: Buffer): Promise<At<VersionMetadata>> => {
  const { event, key } = await repeatedEvent(session, position, 'secret.written');
  if (key === null || !openValue(session, event, { keys: [key] }).equals(plaintext))
    return refuse({ kind: 'idempotency-mismatch' });
  const head = headOf(event.facts, position);
  const customMetadata = head.annotated === 0 ? null : await annotationNow(session, event.streamId);
  const { version, deletionTime } = head;
  return { position, value: { version, createdAt: event.recordedAt, deletionTime, destroyed: false, customMetadata } };
};
