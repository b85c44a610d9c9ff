/**
 * The context of each kind of box, after `label ‖ L`, which `seal` adds (the table of formats.md §1). Every field has a
 * fixed length or states it, so that two different lists of fields never give the same bytes. RangeError for an integer
 * that does not fit, a type of more than 255 bytes, or a UUID that is none. `plan` and `batch-token` have no context.
 */
import { concat, str, type Uuid, u8, u16, u32, u64, uuidBytes } from './bytes.js';

/** event_id ‖ stream_id ‖ epoch u32 ‖ day u32 ‖ str(type) */
export const headerContext = (eventId: Uuid, streamId: Uuid, epoch: number, day: number, type: string): Buffer =>
  concat(uuidBytes(eventId, streamId), u32(epoch), u32(day), str(type));

/** event_id ‖ stream_id ‖ key_id ‖ str(type): not the wrapping term, which changes on rewrap. */
export const bodyContext = (eventId: Uuid, streamId: Uuid, keyId: Uuid, type: string): Buffer =>
  concat(uuidBytes(eventId, streamId, keyId), str(type));

/** event_id ‖ epoch u32 ‖ day u32 */
export const blockContext = (eventId: Uuid, epoch: number, day: number): Buffer =>
  concat(uuidBytes(eventId), u32(epoch), u32(day));

/** node ‖ parent */
export const nameContext = (node: Uuid, parent: Uuid): Buffer => uuidBytes(node, parent);

/** key_id ‖ kind u8 ‖ owner ‖ term u32: a wrapped key opens for its own row only. */
export const keyContext = (keyId: Uuid, kind: number, owner: Uuid, term: number): Buffer =>
  concat(uuidBytes(keyId), u8(kind), uuidBytes(owner), u32(term));

/** slot_id ‖ kind u8 ‖ root_generation u32 ‖ u16 length ‖ params: weaker parameters cannot be put into a slot. */
export const slotContext = (slotId: Uuid, kind: number, rootGeneration: number, params: Buffer): Buffer =>
  concat(uuidBytes(slotId), u8(kind), u32(rootGeneration), u16(params.length), params);

/** generation u64 ‖ root_generation u32 */
export const keyringContext = (generation: number, rootGeneration: number): Buffer =>
  concat(u64(generation), u32(rootGeneration));

/** position u64 ‖ authority_count u64 ‖ authority_chain(32) ‖ part u32 ‖ parts u32 */
export const snapshotContext = (
  position: number,
  authorityCount: number,
  authorityChain: Buffer,
  part: number,
  parts: number,
): Buffer => concat(u64(position), u64(authorityCount), authorityChain, u32(part), u32(parts));
