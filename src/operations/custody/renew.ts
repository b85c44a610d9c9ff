/**
 * A password slot of yesterday's cost, or under a pepper that is no longer the first, is wrapped again when its password is
 * at hand: at a login or an unseal. The old row goes in the same transaction. That it does not come to it stops nobody.
 */
import type { Slot } from '../../authority/authority.js';
import { isOutdated, newPasswordSlot } from '../../keys/password-slots.js';
import type { Session } from '../../nexus/session.js';
import type { App } from '../app.js';
import type { RequestContext } from '../request.js';
import { ownActor } from './actors.js';
import { changeKeystore } from './keystore-change.js';
import { rootOf } from './new-slots.js';
import { checkedSlotRows } from './slot-rows.js';

export const renewSlot = async (
  app: App,
  session: Session,
  context: RequestContext,
  opened: { readonly slot: Slot | null; readonly password: string },
): Promise<void> => {
  const { slot, password } = opened;
  const { slotCost, peppers, notice } = app.nexus.ports;
  const pepper = peppers[0] ?? null;
  if (slot === null || slot.name === null || slot.entity === null) return;
  try {
    const row = (await checkedSlotRows(session)).find(({ slotId }) => slotId === slot.id);
    if (row === undefined || !isOutdated(row, slotCost, pepper)) return;
    const renewed = await newPasswordSlot(session.custody.ledger, rootOf(session), password, slotCost, pepper);
    await changeKeystore(session, ownActor(app, context, slot.entity, 'operator.slot-rewrap'), {
      change: 'slot-rewrapped',
      slots: { add: [{ slot: renewed, owner: { name: slot.name, entity: slot.entity } }], remove: [slot.id] },
    });
  } catch (cause) {
    // Busy, or sealed meanwhile: the next unlock tries again.
    notice('slot', cause);
  }
};
