/** One line of the audit trail: the header opened, facts that say what changed, and never a value (audit.md §1). */
import type { Header } from '../../domain/header.js';
import type { StoredEvent } from '../../ledger/event.js';
import type { RecordedRequest } from '../../nexus/recorder.js';
import type { AuditRecord } from './contract.js';
import { rfc3339 } from './head.js';

export type ActorName = (id: string) => string | null;

const CLASSES: readonly (readonly [RegExp, string])[] = [
  [/^secret\./, 'write'],
  [/^batch\./, 'write'],
  [/^(token|login|role|secretid)\./, 'auth'],
  [/^(keystore|term|epoch|checkpoint)\./, 'key'],
  [/^(policy|mount|entity|quota|config)\./, 'admin'],
  [/^(view|hold|erasure|review|export|verify|requests)\./, 'audit'],
];

/** read, write, auth, admin, key, audit or system, from the type. */
export const classOf = (type: string): string => CLASSES.find(([pattern]) => pattern.test(type))?.[1] ?? 'system';

const CLASS_OF_OP: readonly (readonly [RegExp, string])[] = [
  [/^(kv|cubbyhole)\.(read|list|scan|subkeys|metadata-read|config-read)/, 'read'],
  [/^(kv|cubbyhole)\./, 'write'],
  [/^(auth|token|wrapping)\./, 'auth'],
  [/^(operator|sys)\./, 'admin'],
  [/^(ledger|erase|erasure|hold)\./, 'audit'],
  [/^retention\./, 'admin'],
];

/** Facts that say what happened to which version; the rest of the head is state, not news. */
const TOLD = [
  ...(['version', 'versions', 'writes', 'through', 'expires', 'generation', 'batch', 'count', 'copied'] as const),
  ...(['term', 'epoch', 'uses', 'tree', 'expires_at', 'resumed_size', 'lost_size', 'lost_root', 'token_hash'] as const),
];

const common = (header: Header | RecordedRequest, names: ActorName) => {
  const { v: _v, at, actor, path, ...rest } = header;
  const id = isActor(actor) ? actor.id : null;
  return {
    occurred_at: rfc3339(at),
    path: typeof path === 'string' ? path : null,
    actor: isActor(actor) && actor.id !== null ? { ...actor, name: id === null ? null : names(id) } : null,
    actor_kind: isActor(actor) ? actor.kind : 'system',
    ...rest,
  };
};

const isActor = (value: unknown): value is { id: string | null; kind: string } =>
  typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string' && 'id' in value;

export const eventRecord = (event: StoredEvent, header: Header, leaf: Buffer, names: ActorName): AuditRecord => {
  const told = TOLD.flatMap(name => (event.facts[name] === undefined ? [] : [[name, event.facts[name]]]));
  const { actor, ...rest } = common(header, names);
  return {
    ...rest,
    position: event.position,
    index: 0,
    event_id: event.eventId,
    schema_version: 1,
    type: event.type,
    class: classOf(event.type),
    stream_id: event.streamId,
    stream_version: event.streamVersion,
    recorded_at: rfc3339(event.recordedAt),
    outcome: 'ok',
    actor: actor === null ? null : { id: String(actor.id), kind: actor.kind, name: actor.name },
    // What a change of the key store was is a word of its header.
    change: { ...(typeof header.change === 'string' ? { what: header.change } : {}), ...Object.fromEntries(told) },
    leaf: leaf.toString('hex'),
    payload_hash: event.bodyHash?.toString('hex') ?? null,
  };
};

/** What is left of an event whose header epoch was retired: everything that is in the clear, and that it is so. */
export const withoutHeader = ({ recordedAt, actor }: StoredEvent): Header => ({
  ...{ v: 1, at: recordedAt, header: 'retired' },
  ...(actor === null ? {} : { actor: { id: actor, kind: 'unknown' } }),
});

/** A line of a block of recorded requests; `index` is its place in the block, from 0. */
export const requestLine = (
  event: StoredEvent,
  request: RecordedRequest,
  index: number,
  names: ActorName,
): AuditRecord => {
  const { actor, ...rest } = common(request, names);
  const op = typeof request.op === 'string' ? request.op : 'request';
  return {
    ...rest,
    position: event.position,
    index,
    event_id: event.eventId,
    schema_version: 1,
    type: op,
    class: CLASS_OF_OP.find(([pattern]) => pattern.test(op))?.[1] ?? 'system',
    stream_version: event.streamVersion,
    recorded_at: rfc3339(event.recordedAt),
    outcome: request.outcome,
    actor: actor === null ? null : { id: String(actor.id), kind: actor.kind, name: actor.name },
  };
};
