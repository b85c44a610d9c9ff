/** Parameter and wrapping rules: what a rule asks of a request beside its path. */
import type { Capability, Limits } from './policy.js';
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

/**
 * Names in `allowed` and `denied` are compared without regard to case. A required field has to be there under the name that
 * engines read, which is the lower-case one: one in capitals would be seen here and by nobody else.
 */
export const fieldsAllowed = ({ allowed, denied, required }: Limits, fields: Fields): boolean => {
  if (!required.every(name => fields.has(name))) return false;
  if (fields.size === 0) return true;
  if (denied.has('*')) return false;
  const others = allowed.has('*');
  for (const [field, value] of fields) {
    const name = field.toLowerCase();
    const refused = denied.get(name);
    if (refused !== undefined && (refused.length === 0 || denies(refused, value))) return false;
    const values = allowed.get(name);
    if (values === undefined && allowed.size > 0 && !others) return false;
    if (values !== undefined && values.length > 0 && !allowedBy(values, value)) return false;
  }
  return true;
};

/** Engines take `"a,b"` for a list of two: where a pattern fits the whole of it, each of them has to be allowed as well. */
const allowedBy = (items: readonly Plain[], value: unknown): boolean => {
  const allowed = (each: unknown): boolean => items.some(item => allows(item, each));
  if (!allowed(value)) return false;
  return typeof value !== 'string' || items.includes(value) || value.split(',').every(part => allowed(part.trim()));
};

/** A lone `*` is that one character: an empty list is what allows any value. */
const allows = (item: Plain, value: unknown): boolean =>
  typeof item === 'string' && typeof value === 'string' ? globMatches(item, value) : same(item, value);

/**
 * Errs on the side of refusing. Engines take `"3"` for 3, `"a,b"` for a list of two and one text for a list of one; so what
 * is denied is denied in each of these forms, and a lone `*` is any text.
 */
const denies = (items: readonly Plain[], value: unknown): boolean => {
  const forms = texts(value);
  const matches = (text: string): boolean => forms.some(form => text === '*' || globMatches(text, form));
  return items.some(item => same(item, value) || (typeof item !== 'object' && matches(String(item))));
};

const texts = (value: unknown): readonly string[] => {
  if (Array.isArray(value)) return value.flatMap(texts);
  if (typeof value === 'string') return [value, ...value.split(',').map(part => part.trim())];
  return typeof value === 'number' || typeof value === 'boolean' ? [String(value)] : [];
};

/** `*` at the start, at the end or at both stands for whatever is there. */
const globMatches = (glob: string, value: string): boolean => {
  if (glob === '*') return value === '*';
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
