/** Patterns with `*`, which stands for any characters, anywhere in the pattern. Linear in the text, whatever the pattern. */
export const globMatches = (glob: string, text: string): boolean => {
  const parts = glob.split('*');
  const [first = '', last = ''] = [parts[0], parts.at(-1)];
  if (parts.length === 1) return first === text;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  // By hand: a pattern of many stars would make a regular expression try for ever.
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > text.length - last.length) return false;
    at = found + part.length;
  }
  return true;
};
