/** What can be asked of a secret. Commands carry what they were prepared under, so that a moved ground is noticed. */

export interface Settings {
  readonly maxVersions?: number;
  readonly casRequired?: boolean;
  /** ms; 0 resets */
  readonly deleteVersionAfter?: number;
  readonly metadataCasRequired?: boolean;
}

export type SecretCommand =
  | {
      readonly kind: 'write';
      /** null = not given. */
      readonly cas: number | null;
      /** Whether the key existed when the command was authorised and its header sealed. */
      readonly prepared: {
        readonly exists: boolean;
        /** Stream version of the write that the value was merged with; it must still be there and be the current one. */
        readonly base?: number;
      };
      /** Stream version of the source, when the value is a copy from this stream. */
      readonly copied?: number;
      /** A restore asks for no cas and keeps its own expiry: µs, 0 = none. */
      readonly restored?: { readonly deletionTime: number };
    }
  /** null = the current version. */
  | { readonly kind: 'delete'; readonly versions: readonly number[] | null }
  | { readonly kind: 'undelete'; readonly versions: readonly number[] }
  | { readonly kind: 'destroy'; readonly versions: readonly number[] }
  /** Every write and annotation so far, of any generation. */
  | { readonly kind: 'destroy-through'; readonly keys: readonly number[] }
  /** `restored`: no metadata cas is asked for. */
  | {
      readonly kind: 'configure' | 'annotate';
      readonly settings: Settings;
      readonly metadataCas: number | null;
      /** `base`: stream version of the annotation that custom metadata were merged with, 0 = none. */
      readonly prepared?: { readonly exists: boolean; readonly base?: number };
      readonly restored?: boolean;
    }
  | { readonly kind: 'remove' };
