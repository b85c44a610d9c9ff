/** Ids that an Idempotency-Key gave events before a rotation of the root key: a repeat after it is known by them. */
import type { Uuid } from '../crypto/bytes.js';
import { type IdempotentRequest, idempotentEventId } from '../crypto/ids.js';
import type { Custody } from './custody.js';

export const formerEventIds = ({ keyring, ledger }: Custody, request: IdempotentRequest): readonly Uuid[] =>
  keyring.formerEventIdKeys.map(key => idempotentEventId(key, ledger, request));
