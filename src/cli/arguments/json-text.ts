/**
 * JSON taken apart without being read into numbers: `12345678901234567890` and `1.0` must come out as they went in, and
 * `JSON.parse` keeps neither. Only ever given text that is known to be valid JSON.
 */

const isSpace = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9;

const skipSpace = (text: string, from: number): number => {
  let at = from;
  while (at < text.length && isSpace(text.charCodeAt(at))) at++;
  return at;
};

/** The index after the string that begins at `from`. */
const endOfString = (text: string, from: number): number => {
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
};

/** The index after the value that begins at `from`: brackets are counted, strings stepped over. */
const endOfValue = (text: string, from: number): number => {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const character = text[at];
    if (character === '"') {
      at = endOfString(text, at);
      if (depth === 0) return at;
      continue;
    }
    if (depth === 0 && (character === ',' || character === '}' || character === ']')) return at;
    if (character === '{' || character === '[') depth++;
    if (character === '}' || character === ']') {
      depth--;
      if (depth === 0) return at + 1;
    }
    at++;
  }
  return at;
};

/** Each member of a JSON object with the text of its value, in order; of a name given twice the last wins. `null` when it is no object. */
export const members = (json: string): ReadonlyMap<string, string> | null => {
  let at = skipSpace(json, 0);
  if (json[at] !== '{') return null;
  const found = new Map<string, string>();
  at = skipSpace(json, at + 1);
  while (at < json.length && json[at] !== '}') {
    const nameEnd = endOfString(json, at);
    const name: unknown = JSON.parse(json.slice(at, nameEnd));
    const start = skipSpace(json, skipSpace(json, nameEnd) + 1);
    const end = endOfValue(json, start);
    found.set(String(name), json.slice(start, end).trimEnd());
    at = skipSpace(json, end);
    if (json[at] === ',') at = skipSpace(json, at + 1);
  }
  return found;
};

/** The text below a path of member names; `null` when there is none. */
export const memberAt = (json: string, ...path: readonly string[]): string | null => {
  let text: string | null = json;
  for (const name of path) text = text === null ? null : (members(text)?.get(name) ?? null);
  return text;
};

/** A value as a person or a shell wants it: a string without its quotes, anything else as its own text. */
export const plainText = (json: string): string => (json.startsWith('"') ? String(JSON.parse(json)) : json);

/** Valid JSON whose top is an object. */
export const isObjectText = (text: string): boolean => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
};
