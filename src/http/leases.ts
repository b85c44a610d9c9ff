/** `sys/leases` and the names that it had before (vault-wire.md §14). */
import type { Lease } from '../operations/tokens/contract.js';
import { type Answer, noContent, ok, oneError, withPosition } from './answer.js';
import { answered, type Call } from './call.js';
import { stringField } from './fields.js';
import { printTime } from './times.js';
import { secondsLeft } from './token-answers.js';

const leaseData = (lease: Lease) => ({
  expire_time: printTime(lease.expiresAt),
  id: lease.id,
  issue_time: printTime(lease.issuedAt),
  last_renewal: lease.renewedAt === 0 ? null : printTime(lease.renewedAt),
  renewable: lease.renewable,
  ttl: secondsLeft(lease.expiresAt, Date.now() * 1000),
});

const done = ({ position }: { position: number | null }): Answer => withPosition(noContent, position);

const idOf = ({ fields }: Call, inPath: string): string => stringField(fields, 'lease_id') ?? inPath;

const write = (call: Call, verb: string, rest: string): Promise<Answer> | null => {
  const { leases } = call.operations;
  switch (verb) {
    case 'lookup':
      return answered(call, leases.lookup(call.context, { id: idOf(call, rest) }), lease =>
        ok(call.context.requestId, leaseData(lease)),
      );
    case 'renew':
      return answered(call, leases.renew(call.context, { id: idOf(call, rest) }), () => noContent);
    case 'revoke':
      return answered(call, leases.revoke(call.context, { id: idOf(call, rest) }), done);
    case 'revoke-prefix':
    case 'revoke-force':
      return answered(call, leases.revokePrefix(call.context, { prefix: rest }), done);
    default:
      return null;
  }
};

const PATH = /^sys\/(leases\/)?(lookup|renew|revoke|revoke-prefix|revoke-force)(?:\/(.*))?$/;

/** Null: not one of ours. */
export const leases = (call: Call): Promise<Answer> | Answer | null => {
  const [, current, verb = '', rest = ''] = PATH.exec(call.path) ?? [];
  if (verb === '' || (current === undefined && verb === 'lookup')) return null;
  if (call.verb === 'list' && verb === 'lookup')
    return answered(call, call.operations.leases.list(call.context, { prefix: rest }), keys =>
      ok(call.context.requestId, { keys }),
    );
  return (call.verb === 'write' ? write(call, verb, rest) : null) ?? oneError(405, 'unsupported operation');
};
