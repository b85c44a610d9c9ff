/** Parameter and wrapping rules: what a rule asks of a request beside its path. */
import type { Capability, Limits, ParameterValues } from './policy.js';
import type { Plain } from './text/tree.js';

/** Top-level fields of a request, as JSON has them. */
export type Fields = ReadonlyMap<string, unknown>;

const WITH_PARAMETERS: readonly Capability[] = ['read', 'create', 'update', 'patch'];

/** A bound that merging left empty (a minimum above the maximum) admits nothing. */
export const wrappingAllowed = (limits: Limits, wrapTtlMs: number): boolean => {
  const { wrapTtlMsMin, wrapTtlMsMax } = limits;
  if (wrapTtlMsMin === 0 && wrapTtlMsMax === 0) return true;
  return wrapTtlMs > 0 && wrapTtlMs >= wrapTtlMsMin && (wrapTtlMsMax === 0 || wrapTtlMs <= wrapTtlMsMax);
};

/** Whether the fields have to be looked at: they are not decoded for nothing. */
export const asksForFields = (limits: Limits, capability: Capability): boolean =>
  WITH_PARAMETERS.includes(capability) && limits.allowed.size + limits.denied.size + limits.required.length > 0;

export const fieldsAllowed = ({ allowed, denied, required }: Limits, fields: Fields): boolean => {
  const named = [...fields].map(([name, value]) => ({ name: name.toLowerCase(), value }));
  if (required.some(name => !named.some(field => field.name === name))) return false;
  if (named.length === 0) return true;
  if (denied.has('*')) return false;
  if (named.some(({ name, value }) => listed(denied, name, value, true) === true)) return false;
  const others = allowed.has('*');
  return allowed.size === 0 || named.every(({ name, value }) => listed(allowed, name, value, false) ?? others);
};

/** Null: the name is not there at all. */
const listed = (values: ParameterValues, name: string, value: unknown, denies: boolean): boolean | null => {
  const list = values.get(name);
  return list === undefined ? null : list.length === 0 || list.some(item => matches(item, value, denies));
};

const matches = (item: Plain, value: unknown, denies: boolean): boolean =>
  typeof item === 'string' && typeof value === 'string' ? globMatches(item, value, denies) : same(item, value);

/**
 * `*` at the start, at the end or at both is a glob. A lone `*` errs on the side of refusing: where it denies it is any
 * string, where it allows it is that one character (an empty list allows any value).
 */
const globMatches = (glob: string, value: string, denies: boolean): boolean => {
  if (glob === '*') return denies || value === '*';
  const [starts, ends] = [glob.startsWith('*'), glob.endsWith('*')];
  if (starts && ends) return value.includes(glob.slice(1, -1));
  if (starts) return value.endsWith(glob.slice(1));
  return ends ? value.startsWith(glob.slice(0, -1)) : value === glob;
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Equal as JSON: lists in their order, objects in any. The rule's side is bounded, so this is. */
const same = (item: Plain, value: unknown): boolean => {
  if (Array.isArray(item))
    return (
      Array.isArray(value) && item.length === value.length && item.every((each, place) => same(each, value[place]))
    );
  if (!isRecord(item)) return item === value;
  if (!isRecord(value)) return false;
  const keys = Object.keys(item);
  return (
    keys.length === Object.keys(value).length &&
    keys.every(key => Object.hasOwn(value, key) && same(item[key] ?? null, value[key]))
  );
};
