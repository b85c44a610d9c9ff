/**
 * Facts: the part of an event that is stored in the clear, for keyless folds and for what is decided at the ledger's head.
 *
 * Numbers are non-negative safe integers, strings are lower-case hex or hyphenated lower-case UUIDs; no words, no maps,
 * nothing computed from a value. A field that holds its default (0, false, absent) is left out.
 */
export type Fact = number | boolean | string | readonly Fact[];
export type Facts = { readonly [name: string]: Fact };
