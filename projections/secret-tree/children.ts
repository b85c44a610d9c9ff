/** Everything in a folder, however much: some at a time, so that nobody holds all of it. */
import { type Uuid, ZERO_UUID } from '../../src/crypto/bytes.js';
import type { Runner } from '../../src/sql.js';
import { Kind } from './fold.js';
import { type Child, childrenAt } from './queries.js';

const AT_ONCE = 2000;

/**
 * In no order. What ends while this reads is found among what ended, since that is read to its end after what is there; it
 * may then come twice.
 */
export const throughChildren = async (
  runner: Runner,
  parent: Uuid,
  position: number,
  some: (children: readonly Child[]) => void,
): Promise<void> => {
  let [node, kind, ended]: [Uuid, number, number] = [ZERO_UUID, 0, 0];
  for (;;) {
    const page = await runner.run(childrenAt, [parent, position, node, kind, ended, AT_ONCE]);
    some(page);
    let [there, gone] = [0, 0];
    for (const child of page)
      if (child.endedAt === null) {
        there += 1;
        const number = Kind[child.kind];
        if (child.node > node || (child.node === node && number > kind)) [node, kind] = [child.node, number];
      } else {
        gone += 1;
        ended = Math.max(ended, child.endedAt);
      }
    if (there < AT_ONCE && gone < AT_ONCE) return;
  }
};
