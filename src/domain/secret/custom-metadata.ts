/** The limits of custom metadata, with the dialect's texts (vault-wire.md §4.6). They quote keys, which are no secrets. */
const ENTRIES_MAX = 64;
const KEY_BYTES_MAX = 128;
const VALUE_BYTES_MAX = 512;
export const CUSTOM_METADATA_INVALID = 'custom_metadata validation failed: ';
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

/** Null: within the limits. */
export const customMetadataComplaint = (entries: readonly (readonly [string, string])[]): string | null => {
  if (entries.length > ENTRIES_MAX)
    return `${CUSTOM_METADATA_INVALID}payload must contain at most ${ENTRIES_MAX} keys, provided ${entries.length}`;
  const complaints = entries.flatMap(([key, value]) => complaintsOf(key, value));
  if (complaints.length === 0) return null;
  const counted = complaints.length === 1 ? '1 error occurred:' : `${complaints.length} errors occurred:`;
  return `${counted}${complaints.map(complaint => `\n\t* ${CUSTOM_METADATA_INVALID}${complaint}`).join('')}\n\n`;
};

const utf8 = new TextEncoder();

const complaintsOf = (key: string, value: string): readonly string[] => {
  const [keyBytes, valueBytes] = [utf8.encode(key).length, utf8.encode(value).length];
  const quoted = JSON.stringify(key.slice(0, KEY_BYTES_MAX));
  return [
    ...(keyBytes === 0 || keyBytes > KEY_BYTES_MAX
      ? [`length of key ${quoted} is ${keyBytes} but must be 0 < len(key) <= ${KEY_BYTES_MAX}`]
      : []),
    ...(valueBytes === 0 || valueBytes > VALUE_BYTES_MAX
      ? [`length of value for key ${quoted} is ${valueBytes} but must be 0 < len(value) <= ${VALUE_BYTES_MAX}`]
      : []),
    ...(UNPRINTABLE.test(key)
      ? [`key ${quoted} (${key.slice(0, KEY_BYTES_MAX)}) contains unprintable characters`]
      : []),
    ...(UNPRINTABLE.test(value) ? [`value for key ${quoted} contains unprintable characters`] : []),
  ];
};
