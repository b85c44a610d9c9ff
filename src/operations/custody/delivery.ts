/** How shares and root tokens leave the server: once, in the clear, or each under the key of whom it is for. */
import { keyCopy } from '../../crypto/bytes.js';
import { ageRecipient, pgpRecipient, type Recipient, RecipientRefused } from '../../crypto/recipients.js';
import { refuse } from '../app.js';
import type { Delivered, Recipients } from './contract.js';

/** In the order of the shares; empty: in the clear. Refuses a key that cannot be used before anything is made. */
export const recipientsOf = async (recipients: Recipients): Promise<readonly Recipient[]> => {
  try {
    return await Promise.all([...recipients.pgpKeys.map(pgpRecipient), ...recipients.age.map(ageRecipient)]);
  } catch (error) {
    if (error instanceof RecipientRefused) return refuse({ kind: 'invalid', message: error.message });
    throw error;
  }
};

/** As the dialect does: what is encrypted is a share's hexadecimal text. */
export const delivered = async (
  shares: readonly Buffer[],
  recipients: readonly Recipient[],
): Promise<readonly Delivered[]> =>
  Promise.all(
    shares.map(async (share, index) => {
      const recipient = recipients[index];
      const bytes = recipient === undefined ? keyCopy(share) : await recipient.encrypt(share.toString('hex'));
      return { bytes, fingerprint: recipient?.fingerprint ?? null };
    }),
  );
