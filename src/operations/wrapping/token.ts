/** Wrapping tokens: an orphan of one use, under a policy that nobody else can have, with a store that holds one answer. */
import * as t from 'io-ts';
import type { Token } from '../../authority/tokens.js';
import type { Failure } from '../../failure.js';
import type { Session } from '../../nexus/session.js';
import { findToken } from '../tokens/find.js';
import type { WrappedResponse } from './contract.js';

/** What its event says of how it came to be: no other way makes one. */
export const METHOD = 'wrapping';
/** Where the answer lies in its store. */
export const RESPONSE = 'response';

export const isWrapping = ({ method }: Token): boolean => method === METHOD;

/** Expired, used, revoked, unknown, or another kind of token: one answer for all of them. */
export const NOT_VALID: Failure = {
  kind: 'invalid',
  message: 'wrapping token is not valid or does not exist',
};

/** Lane 1 was folded for this request. */
export const findWrapping = (session: Session, text: string): Token | null => {
  const token = findToken(session, text, session.now());
  return token !== null && isWrapping(token) ? token : null;
};

/** `response` is what old clients read; the rest is left out where it says nothing. */
const Stored = t.intersection([t.type({ response: t.string }), t.partial({ status: t.number, accessor: t.string })]);

export const encodeResponse = ({ status, body, accessor }: WrappedResponse): Buffer =>
  Buffer.from(
    JSON.stringify({
      response: body,
      ...(status === 200 ? {} : { status }),
      ...(accessor === null ? {} : { accessor }),
    }),
    'utf8',
  );

/** Null: not what was stored here. */
export const decodeResponse = (plaintext: Buffer): WrappedResponse | null => {
  const parsed: unknown = JSON.parse(plaintext.toString('utf8'));
  if (!Stored.is(parsed)) return null;
  return { status: parsed.status ?? 200, body: parsed.response, accessor: parsed.accessor ?? null };
};
