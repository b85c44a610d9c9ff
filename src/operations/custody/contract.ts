/** What can be done about who opens the ledger. */
import type { Split } from '../../keys/shares.js';
import type { Op } from '../request.js';

/** At most one of the two, and then as many as there are shares. */
export interface Recipients {
  readonly pgpKeys: readonly string[];
  readonly age: readonly string[];
}

/** A share: in the clear, or encrypted to a recipient. */
export interface Delivered {
  readonly bytes: Buffer;
  readonly fingerprint: string | null;
}

export const SLOT_KINDS = ['password', 'shares', 'key-file', 'kms'] as const;
export type SlotKindName = (typeof SLOT_KINDS)[number];

/** Nothing of it is secret. */
export interface SlotInfo {
  readonly id: string;
  readonly kind: SlotKindName | 'unknown';
  readonly name: string | null;
  readonly entity: string | null;
  /** Which root key it opens: rises when that is rotated. */
  readonly rootGeneration: number;
  readonly shares: Split | null;
  /** The key that others keep. */
  readonly kms: string | null;
  /** KiB, passes, lanes; whether it is under a pepper, and whether this node has that. */
  readonly password: {
    readonly memoryKib: number;
    readonly iterations: number;
    readonly parallelism: number;
    readonly pepper: 'none' | 'here' | 'missing';
  } | null;
}

export type SlotRequest =
  | {
      readonly kind: 'password';
      readonly name: string;
      readonly password: string;
      readonly policies: readonly string[];
    }
  | { readonly kind: 'shares'; readonly name: string; readonly split: Split; readonly recipients: Recipients }
  | { readonly kind: 'key-file'; readonly name: string }
  | { readonly kind: 'kms'; readonly name: string; readonly uri: string };

export interface SlotAdded {
  readonly position: number;
  readonly id: string;
  /** Of kind `shares`: each. */
  readonly keys: readonly Delivered[];
  /** Of kind `key-file`: its 32 bytes. */
  readonly keyFile: Buffer | null;
}

export interface RekeyRequest {
  readonly split: Split;
  readonly recipients: Recipients;
  readonly backup: boolean;
  readonly requireVerification: boolean;
}

export interface RekeyStatus {
  /** Empty: none runs. */
  readonly nonce: string;
  readonly split: Split | null;
  readonly progress: number;
  /** How many of today's shares it takes. */
  readonly required: number;
  readonly fingerprints: readonly string[] | null;
  readonly backup: boolean;
  readonly verificationRequired: boolean;
  /** Null: nothing is to be verified yet. */
  readonly verificationNonce: string | null;
}

export type RekeyProgress =
  | { readonly complete: false; readonly status: RekeyStatus }
  | { readonly complete: true; readonly status: RekeyStatus; readonly keys: readonly Delivered[] };

export interface VerifyStatus {
  readonly nonce: string;
  readonly split: Split;
  readonly progress: number;
}

export type VerifyProgress =
  | { readonly complete: false; readonly status: VerifyStatus }
  | { readonly complete: true; readonly nonce: string };

/** What opens the ledger today, as far as the caller has it, and what the new root key goes without. */
export interface RootRotationRequest {
  readonly password: string | null;
  /** Of a slot of kind `key-file`: its 32 bytes. */
  readonly keyFile: Buffer | null;
  /** Names or ids of slots that are not made again. */
  readonly drop: readonly string[];
  /** Of the new shares; null: as today's are split. */
  readonly split: Split | null;
  readonly recipients: Recipients;
}

/** `shares`: enough of today's are to be given; `verify`: enough of the new ones are to be given back. */
export interface RootRotationStatus {
  readonly stage: 'none' | 'shares' | 'verify';
  readonly nonce: string;
  readonly progress: number;
  readonly required: number;
  /** Slots, by name or id. */
  readonly remade: readonly string[];
  readonly dropped: readonly string[];
}

export type RootRotationProgress =
  | {
      readonly complete: false;
      readonly status: RootRotationStatus;
      /** New shares, in the answer that made them only. */
      readonly keys: readonly Delivered[];
    }
  | {
      readonly complete: true;
      readonly position: number;
      readonly rootGeneration: number;
      readonly remade: readonly string[];
      readonly dropped: readonly string[];
    };

export interface Backup {
  readonly nonce: string;
  /** Encrypted shares, hex, by the fingerprint that they are encrypted to. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
}

export interface RootStatus {
  readonly nonce: string;
  readonly progress: number;
  readonly required: number;
  readonly fingerprint: string;
  /** In the answer that made it only. */
  readonly otp: string;
}

export interface RootProgress {
  readonly complete: boolean;
  readonly status: RootStatus;
  /** Base64 without padding: token XOR one-time pad; or base64 of a PGP message. */
  readonly encodedToken: string;
}

/** Of a root token, and so of the pad that hides one. */
export const OTP_LENGTH = 28;

type Nothing = Record<never, never>;

export interface CustodyOperations {
  readonly listSlots: Op<Nothing, readonly SlotInfo[]>;
  readonly addSlot: Op<SlotRequest, SlotAdded>;
  /** `slot`: its id or name. */
  readonly removeSlot: Op<{ slot: string }, { position: number }>;
  /** The same kind and name under something new: a password, a key file, the KMS key as it is now. */
  readonly rotateSlot: Op<{ slot: string; password: string | null }, SlotAdded>;
  readonly rekeyStatus: Op<Nothing, RekeyStatus>;
  readonly rekeyStart: Op<RekeyRequest, RekeyStatus>;
  readonly rekeyCancel: Op<Nothing, null>;
  readonly rekeyUpdate: Op<{ key: Buffer; nonce: string }, RekeyProgress>;
  readonly verifyStatus: Op<Nothing, VerifyStatus>;
  readonly verifyUpdate: Op<{ key: Buffer; nonce: string }, VerifyProgress>;
  /** The shares given so far are forgotten; the new key still waits. */
  readonly verifyRestart: Op<Nothing, VerifyStatus>;
  readonly readBackup: Op<Nothing, Backup>;
  readonly removeBackup: Op<Nothing, null>;
  readonly rotationStatus: Op<Nothing, RootRotationStatus>;
  readonly rotationStart: Op<RootRotationRequest, RootRotationProgress>;
  readonly rotationCancel: Op<Nothing, null>;
  /** One of today's shares, and then one of the new ones, as `stage` says. */
  readonly rotationUpdate: Op<{ key: Buffer; nonce: string }, RootRotationProgress>;
  readonly rootStatus: Op<Nothing, RootStatus & { readonly started: boolean }>;
  /** Neither: a one-time pad is made and answered. */
  readonly rootStart: Op<{ otp: string | null; pgpKey: string | null }, RootStatus>;
  readonly rootCancel: Op<Nothing, null>;
  readonly rootUpdate: Op<{ key: Buffer; nonce: string }, RootProgress>;
}
