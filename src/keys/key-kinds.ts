/** Kinds of rows in the key store and of entries in the keyring (formats.md §3, §6). */
export const KeyKind = { secretVersion: 1, customMetadata: 2, identity: 3, credential: 4, headerEpoch: 6 } as const;

export const KeyringKind = {
  index: 1,
  name: 2,
  row: 3,
  checkpointSeed: 4,
  token: 5,
  eventId: 6,
  snapshot: 7,
  share: 8,
} as const;

/** Of a keyring entry: made ahead of its use, in use, or of an earlier root key and there only to know what it made. */
export const KeyringState = { prepared: 0, active: 1, former: 2 } as const;

export const SlotKind = { password: 1, shares: 2, keyFile: 3, kms: 4 } as const;
