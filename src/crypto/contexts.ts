/** The context of each kind of box, after `label ‖ L`, which `seal` adds (the table of formats.md §1). */
import { concat, str, type Uuid, u8, u16, u32, u64, uuidBytes } from './bytes.js';

export const headerContext = (eventId: Uuid, streamId: Uuid, epoch: number, day: number, type: string): Buffer =>
  concat(uuidBytes(eventId), uuidBytes(streamId), u32(epoch), u32(day), str(type));

export const bodyContext = (eventId: Uuid, streamId: Uuid, keyId: Uuid, type: string): Buffer =>
  concat(uuidBytes(eventId), uuidBytes(streamId), uuidBytes(keyId), str(type));

export const blockContext = (eventId: Uuid, epoch: number, day: number): Buffer =>
  concat(uuidBytes(eventId), u32(epoch), u32(day));

export const nameContext = (node: Uuid, parent: Uuid): Buffer => concat(uuidBytes(node), uuidBytes(parent));

export const keyContext = (keyId: Uuid, kind: number, owner: Uuid, term: number): Buffer =>
  concat(uuidBytes(keyId), u8(kind), uuidBytes(owner), u32(term));

export const slotContext = (slotId: Uuid, kind: number, rootGeneration: number, params: Buffer): Buffer =>
  concat(uuidBytes(slotId), u8(kind), u32(rootGeneration), u16(params.length), params);

export const keyringContext = (generation: number, rootGeneration: number): Buffer =>
  concat(u64(generation), u32(rootGeneration));

export const snapshotContext = (
  position: number,
  authorityCount: number,
  authorityChain: Buffer,
  part: number,
  parts: number,
): Buffer => concat(u64(position), u64(authorityCount), authorityChain, u32(part), u32(parts));
