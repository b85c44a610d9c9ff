/**
 * What a stranger wrote, made safe to show. Paths, actors' names and user agents come from whoever sent the request: a
 * name with an escape sequence must not be able to repaint the auditor's screen, nor a line end forge a line.
 */
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

// C0, DEL and C1 controls; line and paragraph separators; the marks and overrides that turn writing direction around;
// zero-width characters; lone surrogates.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\p{Cs}]/gu;

const visible = (character: string): string =>
  NAMED[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

/** One line, every character of it harmless and seen. */
export const oneLine = (text: string): string => text.replace(UNSAFE, visible);

/** The same for JSON, whose meaning stays: the controls below a blank are escaped in it or between its values, the others stand in strings. */
export const harmlessJson = (json: string): string =>
  json.replace(UNSAFE, character =>
    character < ' ' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** The same for a text of several lines, such as a certificate: its own line ends stay. */
export const severalLines = (text: string): string => text.split('\n').map(oneLine).join('\n');
