/** Terms of erasure keys: `sys/ledger/keys…`, and what old clients know of them (vault-wire.md §7.7). */
import { printDuration } from '../domain/duration.js';
import type { KeysStatus, RotationSettings } from '../operations/terms/contract.js';
import { table } from '../table.js';
import { type Answer, envelope, errors, noContent, ok, oneError, withPosition } from './answer.js';
import { answered, type Call } from './call.js';
import { boolField, durationField, intField, stringField, textsField } from './fields.js';
import { printTime } from './times.js';

type Route = (call: Call) => Promise<Answer> | Answer;

const time = (us: number | null): string | null => (us === null ? null : printTime(us));

const statusObject = (status: KeysStatus) => ({
  term: status.term,
  place: status.place,
  erasable: status.erasable,
  next_rotation: time(status.nextRotationAt),
  ...settingsObject(status.settings),
  waiting_for: status.waitingFor,
  terms: status.terms.map(term => ({
    ...{ term: term.term, state: term.state, rows: term.rows },
    prepared: time(term.preparedAt),
    activated: time(term.activatedAt),
    followed: time(term.followedAt),
    rewrapped: time(term.rewrappedAt),
    ended: time(term.endedAt),
    destroyed: time(term.destroyedAt),
    planned_end: time(term.plannedEnd),
    copies: term.copies.map(({ kind, holder, recipients, madeAt, goneAt }) => ({
      ...{ kind, holder },
      ...(kind === 'escrow' ? { recipients, made: time(madeAt) } : {}),
      gone: time(goneAt),
    })),
  })),
  nodes: status.nodes.map(({ secondsAgo, ...node }) => ({ ...node, seconds_ago: secondsAgo })),
});

const settingsObject = ({ enabled, intervalMs, backupRetentionMs }: RotationSettings) => ({
  enabled,
  interval: printDuration(intervalMs),
  backup_retention: printDuration(backupRetentionMs),
});

const status: Route = call =>
  answered(call, call.operations.keys.status(call.context, {}), value =>
    ok(call.context.requestId, statusObject(value)),
  );

const rotate: Route = call =>
  answered(call, call.operations.keys.rotate(call.context, {}), value =>
    ok(call.context.requestId, statusObject(value)),
  );

/** The clients that ask here expect the new term when they are answered. */
const rotateKeyring: Route = call =>
  answered(call, call.operations.keys.rotate(call.context, {}), ({ terms, waitingFor }) =>
    terms.some(({ state }) => state === 'prepared')
      ? errors(400, `the new term is prepared and goes on by itself; ${waitingFor.join('; ')}`)
      : noContent,
  );

const keyStatus: Route = call =>
  answered(call, call.operations.keys.active(call.context, {}), ({ term, activatedAt, rows }) => {
    const data = { term, install_time: printTime(activatedAt), encryptions: rows };
    return { status: 200, body: envelope(call.context.requestId, { data: JSON.stringify(data), top: data }) };
  });

const readSettings: Route = call =>
  answered(call, call.operations.keys.settings(call.context, {}), settings =>
    ok(call.context.requestId, { max_operations: 0, ...settingsObject(settings) }),
  );

const writeSettings: Route = call => {
  const { fields } = call;
  const enabled = boolField(fields, 'enabled');
  const intervalMs = durationField(fields, 'interval');
  const backupRetentionMs = durationField(fields, 'backup_retention');
  if ((intField(fields, 'max_operations') ?? 0) !== 0)
    return errors(400, 'max_operations: terms rotate by time only here; leave it out or 0');
  const change = {
    ...(enabled === undefined ? {} : { enabled }),
    ...(intervalMs === undefined ? {} : { intervalMs }),
    ...(backupRetentionMs === undefined ? {} : { backupRetentionMs }),
  };
  return answered(call, call.operations.keys.configure(call.context, change), ({ position }) =>
    withPosition(noContent, position),
  );
};

const escrow: Route = call => {
  const input = {
    term: intField(call.fields, 'term') ?? null,
    recipients: textsField(call.fields, 'recipients') ?? [],
  };
  return answered(call, call.operations.keys.escrow(call.context, input), ({ position, ...made }) =>
    withPosition(ok(call.context.requestId, made), position),
  );
};

const copyGone: Route = call => {
  const [term, holder] = [intField(call.fields, 'term'), stringField(call.fields, 'holder')];
  if (term === undefined || holder === undefined) return errors(400, 'give term and holder');
  return answered(call, call.operations.keys.copyGone(call.context, { term, holder }), ({ position }) =>
    withPosition(noContent, position),
  );
};

const ROUTES = table<Partial<Record<Call['verb'], Route>>>({
  'sys/ledger/keys': { read: status },
  'sys/ledger/keys/rotate': { write: rotate },
  'sys/ledger/keys/escrow': { write: escrow },
  'sys/ledger/keys/copy-gone': { write: copyGone },
  'sys/rotate': { write: rotateKeyring },
  'sys/rotate/keyring': { write: rotateKeyring },
  'sys/rotate/config': { read: readSettings, write: writeSettings },
  'sys/key-status': { read: keyStatus },
});

/** Null: not one of ours. */
export const keys = (call: Call): Promise<Answer> | Answer | null => {
  const route = ROUTES[call.path];
  if (route === undefined) return null;
  return route[call.verb]?.(call) ?? oneError(405, 'unsupported operation');
};
