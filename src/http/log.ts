/** What the server logs of its own failures: of what kind and where, never a message, which may quote what was sent. */
import type { Logger } from 'pino';
import type { Failure } from '../failure.js';

/** Only of failures that were the world's doing. */
export const logFault = (log: Logger, requestId: string, failure: Failure): void => {
  if (!('cause' in failure) && failure.kind !== 'integrity') return;
  log.error(
    {
      request: requestId,
      failure: failure.kind,
      during: 'during' in failure ? failure.during : failure.what,
      cause: 'cause' in failure ? causeName(failure.cause) : undefined,
    },
    'fault',
  );
};

export const logBug = (log: Logger, requestId: string, cause: unknown): void =>
  log.error(
    { request: requestId, cause: cause instanceof Error ? cause.name : typeof cause, at: placeOf(cause) },
    'bug',
  );

const causeName = (cause: unknown): string =>
  cause instanceof Error
    ? `${cause.name} ${String((cause as { sqlstate?: unknown }).sqlstate ?? '')}`.trim()
    : typeof cause;

const placeOf = (cause: unknown): string =>
  cause instanceof Error ? (/^\s+at .*$/m.exec(cause.stack ?? '')?.[0].trim() ?? '') : '';
