/** Custom metadata as a field: conversion of its values (vault-wire.md §4.6). Throws `FieldError`. */
import { members, unquoted } from '../domain/json/members.js';
import { CUSTOM_METADATA_INVALID, customMetadataComplaint } from '../domain/secret/custom-metadata.js';
import type { Fields } from './body.js';
import { FieldError } from './fields.js';

/** Each value as JSON text: a number keeps its own. */
const entriesOf = (fields: Fields): readonly (readonly [string, string])[] | null | undefined => {
  const text = fields.get('custom_metadata');
  if (text === undefined) return undefined;
  if (text === 'null') return null;
  const found = members(text);
  if (found === null) throw new FieldError(`error converting input for field "custom_metadata": '' expected a map`);
  return [...found];
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

const WORDS: Readonly<Record<string, string | undefined>> = { true: '1', false: '0', null: '' };

const textOf = (value: string): string => {
  if (value.startsWith('{') || value.startsWith('['))
    throw new FieldError(
      `${CUSTOM_METADATA_INVALID}'' expected type 'string', got unconvertible type '${value.startsWith('[') ? '[]interface {}' : 'map[string]interface {}'}'`,
    );
  return WORDS[value] ?? unquoted(value);
};

/** For a merge: a null takes the entry away, anything else is a text as it stands. */
export const customMetadataPatch = (fields: Fields): Readonly<Record<string, string | null>> | null | undefined => {
  const entries = entriesOf(fields);
  if (entries === undefined || entries === null) return entries;
  const given = entries.map(([key, value]) => {
    if (value !== 'null' && !value.startsWith('"'))
      throw new FieldError(`${CUSTOM_METADATA_INVALID}values must be strings, or null to remove an entry`);
    return [key, value === 'null' ? null : unquoted(value)] as const;
  });
  within(given.flatMap(([key, value]) => (value === null ? [] : [[key, value] as const])));
  return Object.fromEntries(given);
};
