/**
 * Everything a server may answer instead of success, in words for the person at the terminal: what happened, and what to
 * do next. One exhaustive place; each ends in an exit code of its own kind.
 */
import * as t from 'io-ts';
import { E } from '../fp.js';
import type { Answer } from './client.js';
import type { Connection } from './connection.js';
import { CliError, ExitCode } from './exit-codes.js';

const Errors = t.type({ errors: t.array(t.string) });

/** What the server said, on one line. The dialect wraps some texts as `1 error occurred:\n\t* text\n\n`. */
export const serverWords = (answer: Answer): string | null => {
  try {
    const decoded = Errors.decode(JSON.parse(answer.text));
    if (E.isLeft(decoded) || decoded.right.errors.length === 0) return null;
    return decoded.right.errors
      .map(text =>
        text
          .replace(/^\d+ errors? occurred:/, '')
          .replace(/\s*\n\s*\*?\s*/g, ' ')
          .trim(),
      )
      .join('; ');
  } catch {
    return null;
  }
};

const LOG_IN = 'Log in: tally login NAME   (or set TALLYSTICK_TOKEN)';

const denied = (connection: Connection, words: string | null): CliError =>
  connection.token === null
    ? new CliError(ExitCode.denied, `permission denied by ${connection.address}: you are not logged in`, LOG_IN)
    : new CliError(
        ExitCode.denied,
        `permission denied by ${connection.address}${words === null || words === 'permission denied' ? '' : `: ${words}`}`,
        `The token came from ${connection.tokenFrom ?? 'nowhere'}. It may have ended, or may not do this. ${LOG_IN}`,
      );

const tryAgain = (answer: Answer, words: string): CliError =>
  new CliError(
    ExitCode.unreachable,
    words,
    answer.retryAfterSeconds === null ? 'Try again.' : `Try again in ${answer.retryAfterSeconds} s.`,
  );

const unavailable = (answer: Answer, words: string | null): CliError => {
  if (words !== null && /not initiali[sz]ed|is not active/i.test(words)) {
    return new CliError(ExitCode.sealed, 'the server is not initialised', 'Create its ledger: tally operator init');
  }
  if (words !== null && /sealed/i.test(words)) {
    return new CliError(
      ExitCode.sealed,
      'the server is sealed: it has no key to open the ledger with',
      'Unseal it: tally operator unseal',
    );
  }
  return tryAgain(answer, words ?? 'the server cannot answer now');
};

/** `absent` is what a 404 means for this command. */
export interface Absence {
  readonly message: string;
  readonly hint?: string;
}

export const refusal = (connection: Connection, answer: Answer, absent?: Absence): CliError => {
  const words = serverWords(answer);
  switch (answer.status) {
    case 400:
      return words !== null && /check-and-set parameter d(id|oes) not match/.test(words)
        ? new CliError(
            ExitCode.conflict,
            'someone wrote first: --cas does not match the current version',
            'Look at it: tally history PATH',
          )
        : new CliError(ExitCode.badInput, words ?? 'the server refused the request as malformed');
    case 401:
    case 403:
      return denied(connection, words);
    case 404:
      return new CliError(ExitCode.absent, words ?? absent?.message ?? 'nothing is there', absent?.hint ?? null);
    case 405:
      return new CliError(
        ExitCode.unexpected,
        `${connection.address} does not know this request`,
        'Is it a Tallystick server, and not older than this command?',
      );
    case 409:
      return new CliError(ExitCode.conflict, words ?? 'someone changed this first');
    case 413:
    case 414:
    case 431:
      return new CliError(ExitCode.badInput, words ?? 'what was sent is too large for the server');
    case 429:
      return tryAgain(answer, words ?? 'too many requests');
    case 502:
    case 504:
      return tryAgain(answer, words ?? 'the server behind this address does not answer');
    case 503:
      return unavailable(answer, words);
    default:
      return new CliError(
        ExitCode.unexpected,
        `the server answered ${answer.status}${words === null ? '' : `: ${words}`}`,
        answer.status >= 500 ? 'Its log says more.' : `Is ${connection.address} a Tallystick server?`,
      );
  }
};

/** The codes along an error's chain of causes; an AggregateError (several addresses tried) has several. */
const codesOf = (error: unknown): readonly string[] => {
  if (!(error instanceof Error)) return [];
  const own = 'code' in error && typeof error.code === 'string' ? [error.code] : [];
  const inner = error instanceof AggregateError ? error.errors.flatMap(codesOf) : [];
  return [...own, ...inner, ...codesOf(error.cause)];
};

/** There was no answer: who was asked, why it failed, and the fix. A thrown CliError passes through untouched. */
export const unreachable = (connection: Connection, error: unknown): CliError => {
  if (error instanceof CliError) return error;
  const codes = codesOf(error);
  const is = (...names: readonly string[]): boolean => codes.some(code => names.includes(code));
  const asked = `${connection.address} (from ${connection.addressFrom})`;
  const fail = (message: string, hint: string): CliError => new CliError(ExitCode.unreachable, message, hint);

  if (is('ECONNREFUSED')) {
    return fail(
      `nothing listens at ${asked}`,
      'Start a server: tally dev   (or say where it is: --address, TALLYSTICK_ADDR)',
    );
  }
  if (is('ENOTFOUND', 'EAI_AGAIN')) return fail(`there is no host of that name: ${asked}`, 'Check the address.');
  if (is('UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT')) {
    return fail(
      `${asked} did not answer in time`,
      'A write may have been recorded all the same: look with tally history PATH. --timeout waits longer.',
    );
  }
  if (is('UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH')) {
    return fail(`${asked} cannot be reached`, 'Check the address and the network.');
  }
  if (is('ERR_SSL_WRONG_VERSION_NUMBER', 'EPROTO'))
    return fail(`${asked} does not speak TLS`, 'Is it http:// and not https://?');
  if (is('ERR_TLS_CERT_ALTNAME_INVALID'))
    return fail(`the certificate of ${asked} is for another name`, 'Use the name that is in it.');
  if (is('CERT_HAS_EXPIRED')) return fail(`the certificate of ${asked} has expired`, 'The server needs a new one.');
  if (codes.some(code => /CERT|SIGNATURE|ISSUER/.test(code))) {
    return fail(
      `the certificate of ${asked} is signed by nobody this machine knows`,
      'Give the CA: --ca-cert FILE or TALLYSTICK_CACERT.',
    );
  }
  if (is('UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE')) {
    return fail(
      `${asked} closed the connection before it answered`,
      'A write may have been recorded all the same: look with tally history PATH.',
    );
  }
  return fail(`${asked} could not be asked (${codes[0] ?? 'unknown error'})`, 'Check the address.');
};
