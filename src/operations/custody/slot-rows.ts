/** The slots as the ledger recorded them last: a row that was put back by hand is refused here as at unseal. */
import { slotsDigest } from '../../keys/slots.js';
import { type SlotRow, slotRows } from '../../keys/store.js';
import { IntegrityError } from '../../ledger/integrity.js';
import type { Session } from '../../nexus/session.js';

export const checkedSlotRows = async (session: Session): Promise<readonly SlotRow[]> => {
  const { authority, ports, reader } = session;
  for (;;) {
    const before = authority.keystore?.position;
    const rows = await ports.runner.run(slotRows);
    if (slotsDigest(rows).toString('hex') === authority.keystore?.slotsDigest) return rows;
    // Another node may have changed a slot, and lane 1 not be folded as far: fold, read again, then judge.
    await reader.refresh();
    if (authority.keystore?.position === before) throw new IntegrityError('slots');
  }
};
