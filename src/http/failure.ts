/** From a failure to what the dialect says: one exhaustive switch. Nothing that a caller sent is ever quoted. */
import type { Failure, VersionMetadata } from '../failure.js';
import { type Answer, envelope, errors, notFound, oneError } from './answer.js';
import { printTime } from './times.js';

const CAS_REQUIRED = {
  data: 'check-and-set parameter required for this call',
  metadata: 'metadata check-and-set parameter required for this call',
} as const;
const CAS_MISMATCH = {
  data: 'check-and-set parameter did not match the current version',
  metadata: 'metadata check-and-set parameter does not match the current version',
  'new-metadata': 'metadata_cas must be 0 when creating new metadata',
} as const;

const later = (answer: Answer, seconds: number): Answer => ({
  ...answer,
  headers: { ...answer.headers, 'retry-after': String(seconds) },
});

export const failureAnswer = (requestId: string, failure: Failure): Answer => {
  switch (failure.kind) {
    case 'not-initialised':
    case 'sealed':
      return errors(503, 'Vault is sealed');
    case 'already-initialised':
      return errors(400, 'Vault is already initialized');
    case 'unauthenticated':
      return errors(403, 'permission denied');
    case 'forbidden':
      return oneError(403, 'permission denied');
    case 'bad-token':
      return errors(403, 'bad token');
    case 'invalid':
    case 'bad-credentials':
      return errors(400, failure.message);
    case 'too-large':
      return errors(413, failure.message);
    case 'no-mount':
      return errors(404, `no handler for route ${JSON.stringify(failure.path)}. route entry not found.`);
    case 'absent':
      return notFound;
    case 'version-gone':
      return { status: 404, body: envelope(requestId, { data: goneData(failure.metadata) }) };
    case 'erased':
      return errors(410, failure.message);
    case 'cas-required':
      return errors(400, CAS_REQUIRED[failure.of]);
    case 'cas-mismatch':
      return errors(400, CAS_MISMATCH[failure.of]);
    case 'too-many-attempts':
      return later(errors(429, 'too many attempts: wait before you try again'), failure.retryAfterSeconds);
    case 'busy':
      return later(errors(503, 'the secret keeps changing: try again'), failure.retryAfterSeconds);
    case 'held':
    case 'plan-outdated':
      return errors(409, failure.message);
    case 'idempotency-mismatch':
      return errors(409, 'this Idempotency-Key was used before with another request');
    case 'overloaded':
      return later(errors(503, 'the server is overloaded: try again'), failure.retryAfterSeconds);
    case 'projection-behind':
      return later(
        errors(
          503,
          `the projection ${failure.projection} is ${failure.lag} events behind: try again, or see its status`,
        ),
        failure.retryAfterSeconds,
      );
    case 'database-unavailable':
      return later(errors(503, 'the database is not available: try again'), 2);
    case 'kms': {
      const answer = errors(failure.trouble === 'away' ? 503 : 502, failure.message);
      return failure.trouble === 'away' ? later(answer, 5) : answer;
    }
    case 'upstream':
      return errors(502, failure.message);
    case 'timeout':
      return later(errors(503, `timed out while ${failure.during}`), 1);
    case 'integrity':
      return errors(
        500,
        `integrity error: ${failure.what}${failure.position === null ? '' : ` (position ${failure.position})`}: what is stored does not authenticate`,
      );
    case 'internal':
      return oneError(500, 'internal error');
  }
};

export const versionData = (metadata: VersionMetadata) => ({
  created_time: printTime(metadata.createdAt),
  custom_metadata: metadata.customMetadata,
  deletion_time: printTime(metadata.deletionTime),
  destroyed: metadata.destroyed,
  version: metadata.version,
});

const goneData = (metadata: VersionMetadata): string => JSON.stringify({ data: null, metadata: versionData(metadata) });
