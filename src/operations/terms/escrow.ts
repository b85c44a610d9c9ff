/**
 * A copy of a term's erasure key for people who keep it elsewhere, as an `age` file of one line: what a node that lost its own
 * puts back. Each is recorded, for whom and by its hash, and as long as one is there its term is not destroyed.
 */
import { BadRecipient, encryptToRecipients } from '../../crypto/age-file.js';
import { wipe } from '../../crypto/bytes.js';
import { encodeErasureKeyLine } from '../../crypto/erasure-lines.js';
import { sha256 } from '../../crypto/prf.js';
import { randomUuid4 } from '../../crypto/random.js';
import type { Session } from '../../nexus/session.js';
import { refuse } from '../app.js';
import { changeKeystore, type KeystoreActor } from '../custody/keystore-change.js';

const RECIPIENTS_MAX = 20;

export const escrowTerm = async (
  session: Session,
  actor: KeystoreActor,
  term: number,
  recipients: readonly string[],
) => {
  const { authority, ports } = session;
  if (recipients.length === 0 || recipients.length > RECIPIENTS_MAX)
    refuse({ kind: 'invalid', message: `give 1 to ${RECIPIENTS_MAX} age recipients` });
  if (!ports.erasureKeys.erases)
    refuse({ kind: 'invalid', message: 'erasure keys are none here: there is nothing to keep elsewhere' });
  const known = authority.terms.get(term);
  if (known === null || known.endedAt !== null)
    return refuse({ kind: 'invalid', message: 'no term of that number lives: see tally keys status' });
  const file = await fileOf(session, term, recipients);
  const id = randomUuid4();
  const escrow = { id, term, recipients: [...recipients], sha256: sha256(Buffer.from(file, 'utf8')).toString('hex') };
  const own = { ...actor, header: { ...actor.header, escrow } };
  const { position } = await changeKeystore(session, own, { change: 'escrow' });
  return { position, id, term, file };
};

const fileOf = async (session: Session, term: number, recipients: readonly string[]): Promise<string> => {
  const { custody, ports } = session;
  const keys = await ports.erasureKeys.read(custody.ledger, [term]);
  const key = keys.get(term);
  if (key === undefined)
    return refuse({ kind: 'invalid', message: 'the erasure key of that term is not on this node' });
  const created = new Date(ports.nowMs()).toISOString();
  const line = Buffer.from(`${encodeErasureKeyLine({ ledger: custody.ledger, term, key, created })}\n`, 'latin1');
  wipe(key);
  try {
    return await encryptToRecipients(recipients, line);
  } catch (error) {
    if (!(error instanceof BadRecipient)) throw error;
    return refuse({ kind: 'invalid', message: 'recipients are age public keys: age1…' });
  } finally {
    wipe(line);
  }
};
