/** The common token fields of login methods on the wire (vault-wire.md §12.1): read from a request, and read back. */
import type { TokenSettings, TokenSettingsChange } from '../operations/logins/token-settings.js';
import type { Fields } from './body.js';
import { boolField, durationField, type Field, intField, stringField, stringsField } from './fields.js';

type Wire = Exclude<keyof TokenSettings, 'old_names'>;

/** Whole seconds, of a number or a Go duration. */
export const secondsField: Field<number> = (fields, name) => {
  const ms = durationField(fields, name);
  return ms === undefined ? undefined : ms / 1000;
};

const READERS: { readonly [K in Wire]: Field<TokenSettings[K]> } = {
  token_ttl: secondsField,
  token_max_ttl: secondsField,
  token_explicit_max_ttl: secondsField,
  token_period: secondsField,
  token_num_uses: intField,
  token_policies: stringsField,
  token_bound_cidrs: stringsField,
  token_no_default_policy: boolField,
  token_strictly_bind_ip: boolField,
  token_type: stringField,
};

/** Names of an older dialect, and what each sets: they differ from method to method. */
export type OlderNames = Readonly<Record<string, Wire>>;

/** What the request names; a field's own name wins over its older one. */
export const tokenSettingsChange = (fields: Fields, older: OlderNames): TokenSettingsChange => {
  const used = Object.entries(older).filter(([old, name]) => !fields.has(name) && fields.has(old));
  const readAs = (name: string): string => used.find(([, wire]) => wire === name)?.[0] ?? name;
  const given = Object.entries(READERS).flatMap(([name, read]) => {
    const value = read(fields, readAs(name));
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(given), ...(used.length === 0 ? {} : { old_names: used.map(([old]) => old) }) };
};

export const TOKEN_FIELDS: readonly string[] = Object.keys(READERS);

/** Under their names, and under the older ones that were used. */
export const tokenSettingsData = ({ old_names, ...settings }: TokenSettings, older: OlderNames) => ({
  ...Object.fromEntries(TOKEN_FIELDS.map(name => [name, settings[name as Wire]])),
  ...Object.fromEntries(
    old_names.flatMap(old => {
      const name = older[old];
      return name === undefined ? [] : [[old, settings[name]] as const];
    }),
  ),
});
