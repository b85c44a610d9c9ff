/** The slots as the ledger recorded them last: a row that was put back by hand is refused here as at unseal. */
import { slotsDigest } from '../../keys/slots.js';
import { type SlotRow, slotRows } from '../../keys/store.js';
import { IntegrityError } from '../../ledger/integrity.js';
import type { Session } from '../../nexus/session.js';

export const checkedSlotRows = async (session: Session): Promise<readonly SlotRow[]> => {
  const rows = await session.ports.runner.run(slotRows);
  if (slotsDigest(rows).toString('hex') === session.authority.keystore?.slotsDigest) return rows;
  // Another node may have changed a slot since lane 1 was folded here: fold, read again, then judge.
  await session.reader.refresh();
  const again = await session.ports.runner.run(slotRows);
  if (slotsDigest(again).toString('hex') !== session.authority.keystore?.slotsDigest) throw new IntegrityError('slots');
  return again;
};
