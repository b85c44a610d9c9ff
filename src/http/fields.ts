/** Field conversion (vault-wire.md §2.5): what each declared type also accepts. A failure never quotes the value. */
import { parseDuration } from '../domain/duration.js';
import { members, unquoted } from '../domain/json/members.js';
import type { Fields } from './body.js';

/** A field that cannot be converted: becomes a 400. */
export class FieldError extends Error {
  override readonly name = 'FieldError';
}

const parsed = (fields: Fields, name: string): unknown => {
  const text = fields.get(name);
  return text === undefined ? undefined : JSON.parse(text);
};

/** A list or an object is wrong here whatever is in it: it is not built only to be refused. */
const parsedScalar = (fields: Fields, name: string): unknown => {
  const first = fields.get(name)?.[0];
  return first === '[' ? [] : first === '{' ? {} : parsed(fields, name);
};

const wrong = (name: string, expected: string, value: unknown): FieldError =>
  new FieldError(
    `error converting input for field "${name}": '' expected type '${expected}', got unconvertible type '${goType(value)}'`,
  );

const goType = (value: unknown): string =>
  value === null
    ? 'nil'
    : Array.isArray(value)
      ? '[]interface {}'
      : typeof value === 'object'
        ? 'map[string]interface {}'
        : typeof value === 'number'
          ? 'json.Number'
          : typeof value === 'boolean'
            ? 'bool'
            : 'string';

/** Reads one field; undefined when it is absent or null. Throws `FieldError`. */
export type Field<T> = (fields: Fields, name: string) => T | undefined;

/** Undefined when the field is absent or null. */
export const stringField = (fields: Fields, name: string): string | undefined => {
  const value = parsedScalar(fields, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return fields.get(name);
  if (typeof value === 'boolean') return value ? '1' : '0';
  throw wrong(name, 'string', value);
};

export const intField = (fields: Fields, name: string): number | undefined => {
  const value = parsedScalar(fields, name);
  if (value === undefined || value === null) return undefined;
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
  throw wrong(name, 'int', value);
};

export const numberField = (fields: Fields, name: string): number | undefined => {
  const value = parsedScalar(fields, name);
  if (value === undefined || value === null) return undefined;
  const number = typeof value === 'string' && /^-?\d{1,15}(?:\.\d{1,15})?$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw wrong(name, 'float64', value);
};

export const boolField = (fields: Fields, name: string): boolean | undefined => {
  const value = parsedScalar(fields, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'boolean') return value;
  if (value === 1 || value === '1' || value === 't' || value === 'true') return true;
  if (value === 0 || value === '0' || value === 'f' || value === 'false') return false;
  throw wrong(name, 'bool', value);
};

/** ms. Integer seconds, or a Go duration. */
export const durationField = (fields: Fields, name: string): number | undefined => {
  const value = parsedScalar(fields, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' && typeof value !== 'number') throw wrong(name, 'duration', value);
  const duration = parseDuration(typeof value === 'number' ? String(value) : value);
  if (duration._tag === 'Left') throw new FieldError(`error converting input for field "${name}": ${duration.left}`);
  return duration.right;
};

/** A JSON array, or one string split on commas. */
export const stringsField = (fields: Fields, name: string): readonly string[] | undefined => {
  const value = parsed(fields, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string')
    return value
      .split(',')
      .map(part => part.trim())
      .filter(part => part !== '');
  if (Array.isArray(value) && value.every(part => typeof part === 'string')) return value;
  throw wrong(name, '[]string', value);
};

/** A JSON array, or one string, which is one entry whatever it holds. */
export const textsField = (fields: Fields, name: string): readonly string[] | undefined => {
  const value = parsed(fields, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value === '' ? [] : [value];
  if (Array.isArray(value) && value.every(part => typeof part === 'string')) return value;
  throw wrong(name, '[]string', value);
};

/** A JSON object of texts (numbers and booleans become text, as they were sent), or a list of `k=v`. */
export const mapField = (fields: Fields, name: string): Readonly<Record<string, string>> | undefined => {
  const text = fields.get(name);
  const object = text?.startsWith('{') ? members(text) : null;
  if (object !== null)
    return Object.fromEntries(
      [...object].map(([key, entry]) => {
        if (entry === 'null' || entry.startsWith('{') || entry.startsWith('['))
          throw wrong(name, 'map[string]string', {});
        return [key, unquoted(entry)];
      }),
    );
  const value = parsed(fields, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' && !Array.isArray(value)) throw wrong(name, 'map[string]string', value);
  const pairs: readonly unknown[] = typeof value === 'string' ? [value] : value;
  return Object.fromEntries(
    pairs.map((pair): [string, string] => {
      const at = typeof pair === 'string' ? pair.indexOf('=') : -1;
      if (typeof pair !== 'string' || at < 1) throw wrong(name, 'map[string]string', value);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
};

/** `[1,2]`, `["1","2"]`, `"1,2"`, or one number. Undefined: absent or empty. */
export const versionsField = (fields: Fields): readonly number[] | undefined => {
  const value = parsed(fields, 'versions');
  if (value === undefined || value === null) return undefined;
  const parts: readonly unknown[] =
    typeof value === 'string' ? (value === '' ? [] : value.split(',')) : Array.isArray(value) ? value : [value];
  const numbers = parts.map(part => {
    const text = typeof part === 'number' || typeof part === 'string' ? String(part).trim() : '';
    if (!/^-?\d{1,15}$/.test(text)) throw wrong('versions', '[]int', part);
    return Number(text);
  });
  return numbers.length === 0 ? undefined : numbers;
};

/** Names that no operation knows, sorted, for the warning that the dialect gives. */
export const unknownFields = (fields: Fields, known: readonly string[]): readonly string[] => {
  const unknown = [...fields.keys()].filter(name => !known.includes(name)).sort();
  return unknown.length === 0 ? [] : [`Endpoint ignored these unrecognized parameters: [${unknown.join(' ')}]`];
};
