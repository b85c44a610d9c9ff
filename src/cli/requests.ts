/**
 * Asking and being answered: a refused call becomes the error that explains it, an accepted one is decoded before it is
 * used. What does not decode is reported by the place and the type expected there, never by its content.
 */
import * as t from 'io-ts';
import { E } from '../fp.js';
import type { Answer, Call, Client } from './client.js';
import { CliError, ExitCode } from './exit-codes.js';
import { type Absence, refusal } from './refusals.js';

const SealState = t.type({ initialized: t.boolean });

/** A 503 does not say whether the server is sealed or was never initialised; its status does. */
const neverInitialised = async (client: Client): Promise<boolean> => {
  const status = await client.call({ method: 'GET', path: ['sys', 'seal-status'] }).catch(() => null);
  if (status === null || status.status !== 200) return false;
  const decoded = SealState.decode(parse(status.text));
  return E.isRight(decoded) && !decoded.right.initialized;
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The error for an answer that is not a success. */
export const refused = async (client: Client, answer: Answer, absent?: Absence): Promise<CliError> => {
  const error = refusal(client.connection, answer, absent);
  return error.exitCode === ExitCode.sealed && (await neverInitialised(client))
    ? new CliError(ExitCode.sealed, 'the server is not initialised', 'Create its ledger: tally operator init')
    : error;
};

/** The answer, when it is a success; every other one is thrown. */
export const perform = async (client: Client, call: Call, absent?: Absence): Promise<Answer> => {
  const answer = await client.call(call);
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw await refused(client, answer, absent);
};

export const decodeAnswer = <A>(answer: Answer, codec: t.Decoder<unknown, A>): A => {
  const decoded = codec.decode(parse(answer.text));
  if (E.isRight(decoded)) return decoded.right;
  const context = decoded.left[0]?.context ?? [];
  const place = context
    .map(entry => entry.key)
    .filter(key => key !== '')
    .join('.');
  throw new CliError(
    ExitCode.unexpected,
    `the server's answer is not what was expected${place === '' ? '' : `, at ${place}`}`,
    'Is it a Tallystick server, and not older than this command?',
  );
};

export const ask = async <A>(
  client: Client,
  call: Call,
  codec: t.Decoder<unknown, A>,
  absent?: Absence,
): Promise<{ readonly value: A; readonly answer: Answer }> => {
  const answer = await perform(client, call, absent);
  return { value: decodeAnswer(answer, codec), answer };
};

/** The dialect's envelope around `data`. */
export const enveloped = <A>(data: t.Type<A, unknown>): t.Type<{ data: A }, unknown> =>
  t.type({ data }) as t.Type<{ data: A }, unknown>;
