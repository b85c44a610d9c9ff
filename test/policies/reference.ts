/**
 * The language of §9.3 and §9.4 a second time, as slow and as plain as it can be said: every rule is tried, all that match
 * are sorted, the first one is taken. Shares no code with the engine.
 */

export interface PlainRule {
  /** As written, without templates. */
  readonly path: string;
  readonly words: readonly string[];
}

const parts = (pattern: string) => {
  const prefix = pattern.endsWith('*');
  const body = prefix ? pattern.slice(0, -1) : pattern;
  return { prefix, body, segments: body.split('/') };
};

const matches = (pattern: string, path: string): boolean => {
  const { prefix, segments } = parts(pattern);
  const asked = path.split('/');
  if (prefix ? asked.length < segments.length : asked.length !== segments.length) return false;
  return segments.every((segment, place) => {
    const here = asked[place] ?? '';
    if (segment === '+') return true;
    return prefix && place === segments.length - 1 ? here.startsWith(segment) : here === segment;
  });
};

const isExact = (pattern: string): boolean => !pattern.endsWith('*') && !pattern.split('/').includes('+');

/** Bytes before the first wildcard. */
const firstWildcard = (pattern: string): number => {
  const { segments, prefix, body } = parts(pattern);
  const plus = segments.indexOf('+');
  if (plus >= 0) return Buffer.byteLength(segments.slice(0, plus).join('/')) + (plus > 0 ? 1 : 0);
  return prefix ? Buffer.byteLength(body) : Number.POSITIVE_INFINITY;
};

/** Negative: `a` comes first. */
const priority = (a: string, b: string): number => {
  const [left, right] = [parts(a), parts(b)];
  const pluses = (segments: readonly string[]): number => segments.filter(segment => segment === '+').length;
  return (
    firstWildcard(b) - firstWildcard(a) ||
    Number(left.prefix) - Number(right.prefix) ||
    pluses(left.segments) - pluses(right.segments) ||
    Buffer.byteLength(right.body) - Buffer.byteLength(left.body) ||
    Buffer.compare(Buffer.from(right.body), Buffer.from(left.body))
  );
};

/** The pattern that decides, null for none; `path` as the engine asks for it. */
export const chosen = (rules: readonly PlainRule[], path: string): string | null => {
  const patterns = [...new Set(rules.map(rule => rule.path))];
  if (patterns.some(pattern => isExact(pattern) && pattern === path)) return path;
  const found = patterns.filter(pattern => !isExact(pattern) && matches(pattern, path)).sort(priority);
  return found[0] ?? null;
};

/** For folders: the path ends in a slash. */
export const chosenForList = (rules: readonly PlainRule[], path: string): string | null => {
  const bare = path.replace(/\/$/, '');
  const patterns = rules.map(rule => rule.path);
  for (const exact of [path, bare]) if (patterns.includes(exact) && isExact(exact)) return exact;
  return chosen(rules, path) ?? chosen(rules, bare);
};

/** United over all rules with the pattern; empty after a deny. */
export const wordsOf = (rules: readonly PlainRule[], pattern: string | null): readonly string[] => {
  const words = rules.filter(rule => rule.path === pattern).flatMap(rule => rule.words);
  return words.includes('deny') ? [] : [...new Set(words)].sort();
};
