/**
 * Who a login acts as. The first one of a name at a mount makes the entity, in the same commit as its token; whoever comes
 * second finds it at the head of the ledger.
 */
import type { Mount } from '../../authority/mounts.js';
import type { Uuid } from '../../crypto/bytes.js';
import { randomUuid4, randomUuid7 } from '../../crypto/random.js';
import type { Header } from '../../domain/header.js';
import { sealEvent } from '../../keys/event-sealer.js';
import { KeyKind } from '../../keys/key-kinds.js';
import type { SealedEvent } from '../../ledger/sealed-event.js';
import type { Session } from '../../nexus/session.js';
import { authStream } from './streams.js';

export interface Who {
  /** What the method knows them by, and will always: a user name, a role id, a subject, a SPIFFE id. */
  readonly alias: string;
  readonly kind: 'person' | 'machine';
  /** Shown in the audit trail: sealed in the entity's body, erasable. */
  readonly entityName: string;
}

export interface Acting {
  readonly id: Uuid;
  readonly kind: string;
}

export const aliasId = (session: Session, mount: Mount, alias: string): Uuid =>
  authStream(session, 'alias', mount.id, alias);

/** Null: nobody logged in under that name before. As far as lane 1 is folded. */
export const entityOfAlias = ({ authority }: Session, alias: Uuid): Acting | null => authority.entities.byAlias(alias);

export const newEntity = (who: Who): Acting => ({ id: randomUuid4(), kind: who.kind });

/** `entity.created`, acting for itself. */
export const entityCreated = (
  session: Session,
  entity: Acting,
  who: Who,
  alias: { readonly mount: Uuid; readonly id: Uuid },
  header: Header,
): SealedEvent =>
  sealEvent(session.custody, {
    eventId: randomUuid7(session.ports.nowMs()),
    streamId: entity.id,
    type: 'entity.created',
    lane: 1,
    actor: entity.id,
    header: { ...header, kind: who.kind, policies: [], aliases: [alias] },
    body: {
      kind: KeyKind.identity,
      owner: entity.id,
      plaintext: Buffer.from(
        JSON.stringify({ display_name: who.entityName, aliases: [{ mount: alias.mount, name: who.alias }] }),
      ),
    },
  });
