/**
 * What the keeper and its workers say to each other, over the pipe that Node gives a process and its children: nobody else
 * can read it. Structured clones, decoded on arrival like everything that comes from outside.
 */
import * as t from 'io-ts';

const bytes = new t.Type<Uint8Array>(
  'bytes',
  (value): value is Uint8Array => value instanceof Uint8Array,
  (value, context) => (value instanceof Uint8Array ? t.success(value) : t.failure(value, context)),
  t.identity,
);

const textOrNull = t.union([t.string, t.null]);

const Login = t.type({ user: t.string, password: t.string });

/** How a worker reaches the database that its keeper prepared; TLS it knows from its own settings. */
const Reach = t.type({
  host: t.string,
  port: t.number,
  database: t.string,
  writer: Login,
  projector: Login,
  auditor: Login,
});
export type Reach = t.TypeOf<typeof Reach>;

const Context = t.type({
  token: textOrNull,
  requestId: t.string,
  trace: textOrNull,
  method: t.string,
  path: t.string,
  from: t.type({
    address: t.string,
    port: t.number,
    forwarded: textOrNull,
    agent: textOrNull,
    tls: t.boolean,
    loopback: t.boolean,
  }),
  reason: textOrNull,
  ticket: textOrNull,
  idempotencyKey: textOrNull,
  deadlineMs: t.number,
});

/** A request that only the keeper can answer: all of a `Call` but what is bound to this process. */
const AskedCall = t.type({
  kind: t.literal('call'),
  id: t.number,
  verb: t.keyof({ read: null, list: null, scan: null, write: null, patch: null, delete: null }),
  query: t.string,
  fields: t.array(t.tuple([t.string, t.string])),
  accept: t.string,
  wrapTtlMs: t.number,
  context: Context,
});
export type AskedCall = t.TypeOf<typeof AskedCall>;

const Answer = t.intersection([
  t.type({ status: t.number, body: textOrNull }),
  t.partial({ headers: t.record(t.string, t.string) }),
]);

export const FromWorker = t.union([
  /** It listens to its keeper: what is said before that is lost. */
  t.type({ kind: t.literal('ready') }),
  t.type({ kind: t.literal('listening'), address: t.string }),
  t.type({ kind: t.literal('refused'), message: t.string }),
  /** `open`, `close` or `metrics` was done. */
  t.type({ kind: t.literal('done'), id: t.number, metrics: t.array(t.UnknownRecord) }),
  AskedCall,
]);
export type FromWorker = t.TypeOf<typeof FromWorker>;

const Flags = t.record(t.string, t.union([t.string, t.boolean, t.undefined]));

export const FromKeeper = t.union([
  t.type({ kind: t.literal('start'), flags: Flags, reach: Reach }),
  t.type({ kind: t.literal('open'), id: t.number, rootKey: bytes, generation: t.number }),
  t.type({ kind: t.literal('close'), id: t.number }),
  t.type({ kind: t.literal('metrics'), id: t.number }),
  t.type({ kind: t.literal('stop') }),
  t.type({ kind: t.literal('answer'), id: t.number, answer: Answer }),
]);
export type FromKeeper = t.TypeOf<typeof FromKeeper>;
