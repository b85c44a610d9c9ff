/** Custom metadata as a field: conversion of its values, and its limits with the dialect's texts (vault-wire.md §4.6). */
const PREFIX = 'custom_metadata validation failed: ';
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

/** Undefined: absent. Null: cleared. A string: the text of the 400. */
export const customMetadataField = (
  text: string | undefined,
): Readonly<Record<string, string>> | null | undefined | string => {
  if (text === undefined) return undefined;
  const parsed: unknown = JSON.parse(text);
  if (parsed === null) return null;
  if (typeof parsed !== 'object' || Array.isArray(parsed))
    return `error converting input for field "custom_metadata": '' expected a map`;
  const entries = Object.entries(parsed).map(([key, value]) => [key, asText(value)] as const);
  if (entries.some(([, value]) => value === null))
    return `${PREFIX}'' expected type 'string', got unconvertible type 'map[string]interface {}'`;
  const strings = entries.map(([key, value]) => [key, value ?? ''] as const);
  if (strings.length > 64) return `${PREFIX}payload must contain at most 64 keys, provided ${strings.length}`;
  const complaints = strings.flatMap(([key, value]) => complaintsOf(key, value));
  if (complaints.length > 0) {
    const counted = complaints.length === 1 ? '1 error occurred:' : `${complaints.length} errors occurred:`;
    return `${counted}${complaints.map(complaint => `\n\t* ${PREFIX}${complaint}`).join('')}\n\n`;
  }
  const result: Record<string, string> = Object.create(null);
  for (const [key, value] of strings) result[key] = value;
  return { ...result };
};

const asText = (value: unknown): string | null => {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  return value === null ? '' : null;
};

const complaintsOf = (key: string, value: string): readonly string[] => {
  const [keyBytes, valueBytes] = [Buffer.byteLength(key), Buffer.byteLength(value)];
  return [
    ...(keyBytes === 0 || keyBytes > 128
      ? [`length of key ${JSON.stringify(key.slice(0, 128))} is ${keyBytes} but must be 0 < len(key) <= 128`]
      : []),
    ...(valueBytes === 0 || valueBytes > 512
      ? [
          `length of value for key ${JSON.stringify(key.slice(0, 128))} is ${valueBytes} but must be 0 < len(value) <= 512`,
        ]
      : []),
    ...(UNPRINTABLE.test(key) ? [`key ${JSON.stringify(key.slice(0, 128))} contains unprintable characters`] : []),
    ...(UNPRINTABLE.test(value)
      ? [`value for key ${JSON.stringify(key.slice(0, 128))} contains unprintable characters`]
      : []),
  ];
};
