/** Custom metadata as a field: conversion of its values (vault-wire.md §4.6). Throws `FieldError`. */
import { CUSTOM_METADATA_INVALID, customMetadataComplaint } from '../domain/secret/custom-metadata.js';
import type { Fields } from './body.js';
import { FieldError } from './fields.js';

const entriesOf = (fields: Fields): readonly (readonly [string, unknown])[] | null | undefined => {
  const text = fields.get('custom_metadata');
  if (text === undefined) return undefined;
  const parsed: unknown = JSON.parse(text);
  if (parsed === null) return null;
  if (typeof parsed !== 'object' || Array.isArray(parsed))
    throw new FieldError(`error converting input for field "custom_metadata": '' expected a map`);
  return Object.entries(parsed);
};

const within = (entries: readonly (readonly [string, string])[]): void => {
  const complaint = customMetadataComplaint(entries);
  if (complaint !== null) throw new FieldError(complaint);
};

/** Undefined: absent. Null: cleared. */
export const customMetadataField = (fields: Fields): Readonly<Record<string, string>> | null | undefined => {
  const entries = entriesOf(fields);
  if (entries === undefined || entries === null) return entries;
  const texts = entries.map(([key, value]) => [key, textOf(value)] as const);
  within(texts);
  return Object.fromEntries(texts);
};

const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (value === null) return '';
  throw new FieldError(
    `${CUSTOM_METADATA_INVALID}'' expected type 'string', got unconvertible type '${Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}'}'`,
  );
};

/** For a merge: a null takes the entry away, anything else is a text as it stands. */
export const customMetadataPatch = (fields: Fields): Readonly<Record<string, string | null>> | null | undefined => {
  const entries = entriesOf(fields);
  if (entries === undefined || entries === null) return entries;
  const given = entries.map(([key, value]) => {
    if (value !== null && typeof value !== 'string')
      throw new FieldError(`${CUSTOM_METADATA_INVALID}values must be strings, or null to remove an entry`);
    return [key, value] as const;
  });
  within(given.flatMap(([key, value]) => (value === null ? [] : [[key, value] as const])));
  return Object.fromEntries(given);
};
