/**
 * What is said of a route, as data: the OpenAPI document, the help and the groups of metrics are made from it, and tests
 * fail when a route is served and not described, or described and not served. A route more is an entry more.
 */
import type { Verb } from '../call.js';

/** `any` = any JSON value; `duration` = seconds or text such as `1h30m`; `map` = texts by name. */
export type FieldType =
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'duration'
  | 'strings'
  | 'integers'
  | 'map'
  | 'object'
  | 'any';
export type Fields = Readonly<Record<string, FieldType>>;

/** `data` and `auth`: the envelope; `bare`: an object without it; `nothing`: 204; `text`: no JSON. */
export type Success = 'data' | 'auth' | 'bare' | 'nothing' | 'text';

export interface Described {
  readonly summary: string;
  /** Parameters of the query for read, list and delete; fields of the body for write and patch. */
  readonly fields: Fields;
  readonly success: Success;
}

/** A scan is described with the list: it is the same path with `scan=true`. */
export type DescribedVerb = Exclude<Verb, 'scan'>;

export interface Route {
  /** Below `/v1/`, or below the mount; empty: the mount itself. `{name}` is one segment, `{name*}` one or more. */
  readonly path: string;
  /** The type of mount that it is below: `kv`, `auth/approle`. Absent: it is at this path only. */
  readonly mount?: string;
  /** True where no token is asked for. */
  readonly open?: true;
  readonly verbs: Readonly<Partial<Record<DescribedVerb, Described>>>;
}

const of =
  (usual: Success) =>
  (summary: string, fields: Fields = {}, success: Success = usual): Described => ({ summary, fields, success });

export const gives = of('data');
export const does = of('nothing');
