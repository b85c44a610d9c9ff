/**
 * The header: who, what, when, where, why of an event, sealed under the day key (events.md §5). JSON with these names,
 * absent when there is nothing to say. Its own fields of each type come after the common ones.
 */
import * as t from 'io-ts';

const optional = t.partial({
  op: t.string,
  path: t.string,
  actor: t.type({ id: t.union([t.string, t.null]), kind: t.string }),
  via: t.partial({ method: t.string, accessor: t.string, mount: t.string }),
  from: t.partial({ address: t.string, port: t.number, forwarded: t.string, agent: t.string, tls: t.boolean }),
  node: t.string,
  request: t.partial({ id: t.string, trace: t.string, idempotency: t.boolean }),
  rule: t.partial({ policy: t.string, path: t.string, capability: t.string }),
  reason: t.string,
  ticket: t.string,
});

export const Header = t.intersection([t.type({ v: t.literal(1), at: t.number }), optional, t.UnknownRecord]);

/** `at` µs: the node's clock when sealing. */
export type Header = { readonly v: 1; readonly at: number } & Readonly<t.TypeOf<typeof optional>> & {
    readonly [own: string]: unknown;
  };

/** Bytes; one event's header may not be larger than this. */
export const HEADER_BYTES_MAX = 256 * 1024;
