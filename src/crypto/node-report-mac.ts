/** What a process says of itself, authenticated by the row key: nobody reports in another node's name (formats.md §6). */
import { concat, label, str, type Uuid, u8, u16, u32, u64, uuidBytes } from './bytes.js';
import { prf } from './prf.js';

export interface NodeWords {
  readonly process: Uuid;
  readonly node: string;
  /** Checks of erasure keys (hex) by term. */
  readonly holds: ReadonlyMap<number, string>;
  /** Terms whose erasure keys lie in the node's place. */
  readonly keeps: readonly number[];
  readonly ended: boolean;
  /** µs: the newest event that the process knew. */
  readonly told: number;
}

/**
 * PRF(row key, label("node-report") ‖ L ‖ process ‖ str(node) ‖ ended u8 ‖ told u64 ‖ u16 count ‖ (term u32 ‖ str(check))* ‖
 * u16 count ‖ (term u32)*). RangeError for what does not fit.
 */
export const nodeReportMac = (rowKey: Buffer, ledger: Buffer, words: NodeWords): Buffer => {
  const { process, node, holds, keeps, ended, told } = words;
  const message = concat(
    ...[label('node-report'), ledger, uuidBytes(process), str(node), u8(ended ? 1 : 0), u64(told)],
    ...[u16(holds.size), ...[...holds].flatMap(([term, check]) => [u32(term), str(check)])],
    ...[u16(keeps.length), ...keeps.map(u32)],
  );
  return prf(rowKey, message);
};
