/** What the expressions in templated paths stand for: facts about the identity behind a token. */

export interface Identity {
  readonly id: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** By the auth mount's path without slashes at its ends, or by its accessor. */
  readonly aliases: Readonly<Record<string, Alias>>;
}

export interface Alias {
  readonly id: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The value of `identity.entity.…`; null for what is unknown, not set or no such expression. */
export const valueIn =
  (identity: Identity | null) =>
  (expression: string): string | null => {
    const prefix = 'identity.entity.';
    if (identity === null || !expression.startsWith(prefix)) return null;
    const asked = expression.slice(prefix.length);
    if (!asked.startsWith('aliases.')) return fieldOf(identity, asked);
    // The mount's path may have dots in it: the longest name that is an alias.
    for (const [mount, alias] of Object.entries(identity.aliases).sort(([a], [b]) => b.length - a.length)) {
      const own = `aliases.${mount}.`;
      if (asked.startsWith(own)) return fieldOf(alias, asked.slice(own.length));
    }
    return null;
  };

const fieldOf = (of: Alias, field: string): string | null => {
  if (field === 'id') return of.id || null;
  if (field === 'name') return of.name || null;
  if (!field.startsWith('metadata.')) return null;
  const key = field.slice('metadata.'.length);
  return Object.hasOwn(of.metadata, key) ? (of.metadata[key] ?? null) : null;
};
