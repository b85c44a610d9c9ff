/**
 * Authority as it was: lane 1 folded again up to a position, each event authenticated, and its chain compared with the one
 * that the head of that moment committed to. Costs about 60 µs for each authority event up to there.
 */
import { Authority } from '../authority/authority.js';
import { constantTimeEqual } from '../crypto/bytes.js';
import { authorityChain } from '../crypto/event-hash.js';
import { authenticate } from '../ledger/event.js';
import { believeHead, headAtOrBefore } from '../ledger/head.js';
import { IntegrityError } from '../ledger/integrity.js';
import { authorityTailAfter } from '../ledger/known.js';
import type { Session } from './session.js';
import { type Restored, snapshotAt } from './snapshots.js';

/** What was allowed then was said under header keys that are retired. */
export class BeforeRetired extends Error {
  override readonly name = 'BeforeRetired';
}

/** Null: the ledger's first event. Once header epochs are retired: the snapshot that stands for them. */
const beginning = async ({ authority, custody, ports }: Session, position: number): Promise<Restored | null> => {
  const { base } = authority;
  if (base === null) return null;
  if (position < base)
    throw new BeforeRetired(
      `what was allowed before position ${base} can no longer be told: the headers of that time are retired`,
    );
  const restored = await snapshotAt(ports.runner, custody, base);
  if (restored === null) throw new IntegrityError('snapshot', base);
  return restored;
};

/** `position` is the end of a batch (moments.ts gives no other). */
export const authorityAt = async (session: Session, position: number): Promise<Authority> => {
  const { custody, ports } = session;
  const begin = await beginning(session, position);
  const past = begin?.authority ?? new Authority(custody);
  past.identityOf = session.authority.identityOf;
  const [stored] = await ports.runner.run(headAtOrBefore, [position]);
  if (stored === undefined) return past;
  const head = believeHead(custody, stored);
  let chain: Buffer = begin?.head.authorityChain ?? Buffer.alloc(32);
  for (let count = begin?.head.authorityCount ?? 0; count < head.authorityCount; ) {
    const page = await ports.runner.run(authorityTailAfter, [past.position]);
    if (page.length === 0) throw new IntegrityError('authority chain', position);
    for (const event of page.slice(0, head.authorityCount - count)) {
      const leaf = authenticate(custody, event);
      if (leaf === null || event.lane !== 1 || event.position > position)
        throw new IntegrityError('event', event.position);
      chain = authorityChain(chain, leaf);
      count += 1;
      past.apply(event);
    }
  }
  if (!constantTimeEqual(chain, head.authorityChain)) throw new IntegrityError('authority chain', position);
  return past;
};
