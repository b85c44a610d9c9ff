/** Where a destroyed value lives on: writes that were copied from it (a restore does that), found by their headers. */

import * as t from 'io-ts';
import type { CertificateDocument } from '../../certificates/document.js';
import type { Uuid } from '../../crypto/bytes.js';
import { openHeader } from '../../keys/event-sealer.js';
import { authenticate, EVENT_COLUMNS, eventRow, type StoredEvent } from '../../ledger/event.js';
import { IntegrityError } from '../../ledger/integrity.js';
import type { Session } from '../../nexus/session.js';
import { streamKeys } from '../../nexus/stream-keys.js';
import { type Query, query } from '../../sql.js';

const PAGE = 1000;
/** Beyond so many writes the answer says how far it looked. */
const LOOKED_AT_MAX = 100_000;

const writesAfter: Query<StoredEvent> = query(
  'erasure_writes_after',
  eventRow,
  `select ${EVENT_COLUMNS} from events where type = 'secret.written' and position > $1 order by position limit ${PAGE}`,
);

const CopiedFrom = t.type({ copied_from: t.type({ event: t.string }) });

/** `sources`: ids of the writes whose keys went; `from`: the position of the oldest. Copies of copies are found too. */
export const livingCopies = async (
  session: Session,
  sources: readonly Uuid[],
  from: number,
): Promise<CertificateDocument['living_copies']> => {
  const copies = new Set<Uuid>(sources);
  const found: StoredEvent[] = [];
  const size = session.known.head.size;
  let [at, looked, retired] = [from, 0, 0];
  while (at < size && looked < LOOKED_AT_MAX && sources.length > 0) {
    const page = await session.ports.runner.run(writesAfter, [at]);
    for (const event of page) {
      const header = authenticate(session.custody, event) === null ? null : openHeader(session.custody, event);
      if (header === null) {
        if (!session.custody.isRetired(event.epoch)) throw new IntegrityError('event', event.position);
        retired += 1;
        continue;
      }
      if (!CopiedFrom.is(header) || !copies.has(header.copied_from.event)) continue;
      copies.add(event.eventId);
      found.push(event);
    }
    looked += page.length;
    at = page.length < PAGE ? size : (page.at(-1)?.position ?? size);
  }
  const living: { path: string; position: number; event_id: Uuid }[] = [];
  for (const event of found)
    if (await lives(session, event))
      living.push({
        path: openHeader(session.custody, event)?.path ?? '',
        position: event.position,
        event_id: event.eventId,
      });
  return {
    ...{ searched_to: sources.length === 0 ? size : at, found: living },
    ...(retired === 0 ? {} : { headers_retired: retired }),
  };
};

const lives = async (session: Session, { streamId, streamVersion }: StoredEvent): Promise<boolean> => {
  const newest = await session.reader.read(streamId);
  const keys = await streamKeys(session, streamId, newest.read.newest?.streamVersion ?? 0);
  return keys.some(key => key.streamVersion === streamVersion && key.destroyedBy === null);
};
