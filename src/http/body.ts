/**
 * Request bodies (vault-wire.md §2.5): JSON whatever the content type says, a form only when the type says so and it does
 * not look like JSON, nothing at all as "no fields".
 */
import { JsonError, members } from '../domain/json/members.js';
import { E, type Either } from '../fp.js';
import type { Verb } from './call.js';

/** Fields by name, each as JSON text. */
export type Fields = ReadonlyMap<string, string>;

const NONE: Fields = new Map();
const FORM_FIELDS_MAX = 10_000;

/** Left: the text of the 400. */
export const decodeBody = (body: Buffer | null, contentType: string | undefined): Either<string, Fields> => {
  const text = body === null ? '' : body.toString('utf8');
  const trimmed = text.trim();
  if (trimmed === '' || trimmed === 'null') return E.right(NONE);
  if (contentType?.startsWith('application/x-www-form-urlencoded') && !/^[{[]/.test(trimmed)) return form(text);
  try {
    const found = members(text);
    return found === null
      ? E.left(
          'failed to decode JSON input: json: cannot unmarshal value into Go value of type map[string]interface {}',
        )
      : E.right(found);
  } catch (error) {
    if (error instanceof JsonError) return E.left(`failed to decode JSON input: ${error.message}`);
    throw error;
  }
};

/** Counted before anything is taken apart: 32 MiB of short names are gigabytes of fields. */
const form = (text: string): Either<string, Fields> => {
  let count = 1;
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) count += 1;
  if (count > FORM_FIELDS_MAX) return E.left(`a form has at most ${FORM_FIELDS_MAX} fields`);
  return E.right(new Map([...new URLSearchParams(text)].map(([name, value]) => [name, JSON.stringify(value)])));
};

/** A request's top-level fields as policies compare them: of the body, or of the query where there is no body to read. */
export const topLevel = (fields: Fields, verb: Verb, query: URLSearchParams): ReadonlyMap<string, unknown> =>
  verb === 'write' || verb === 'patch'
    ? new Map([...fields].map(([name, text]) => [name, JSON.parse(text)]))
    : queried(query);

/** Of a name that is given more than once all values: which of them an engine takes is nothing to rely on. */
const queried = (query: URLSearchParams): ReadonlyMap<string, string | string[]> => {
  const found = new Map<string, string | string[]>();
  for (const [name, value] of query) {
    if (name === 'list' || name === 'scan') continue;
    const before = found.get(name);
    if (Array.isArray(before)) before.push(value);
    else found.set(name, before === undefined ? value : [before, value]);
  }
  return found;
};
