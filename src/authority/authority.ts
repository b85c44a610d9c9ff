/**
 * Authority in memory: everything that decides access, folded from checked events of lane 1. Nothing of it comes from a
 * table (formats.md §9.3). The fold is the only writer; everything else asks. Each table has a file of its own.
 */
import type { Uuid } from '../crypto/bytes.js';
import type { Header } from '../domain/header.js';
import type { Custody, RootRotation } from '../keys/custody.js';
import { openHeader } from '../keys/event-sealer.js';
import type { StoredEvent } from '../ledger/event.js';
import { IntegrityError } from '../ledger/integrity.js';
import type { AuthorityFold } from '../ledger/known.js';
import type { Identity } from '../policies/templates.js';
import { type Entity, EntityTable } from './entities.js';
import { EpochTable } from './epochs.js';
import { History } from './history.js';
import { HoldTable } from './holds.js';
import { LoginTable, RoleTable, SecretIdTable } from './logins.js';
import { type Mount, MountTable } from './mounts.js';
import { type Permission, Permissions } from './permission.js';
import { PolicyTable } from './policies.js';
import { isRetention, RetentionTable } from './retention.js';
import { SettingsTable } from './settings.js';
import * as shape from './shapes.js';
import { TermTable } from './terms.js';
import { type Token, TokenTable } from './tokens.js';

export interface Slot {
  readonly id: Uuid;
  readonly kind: number;
  readonly name: string | null;
  readonly entity: Uuid | null;
  readonly loginKey: Uuid | null;
}

/** What the newest `keystore.changed` says the key store must look like. */
export interface KeystoreSeal {
  readonly position: number;
  readonly generation: number;
  readonly slotsDigest: string;
  readonly term: number;
  readonly checks: ReadonlyMap<number, string>;
}

/** There is no header key of that epoch: it was retired, or its row is lost. */
export class HeaderGone extends IntegrityError {
  constructor(
    readonly epoch: number,
    position: number,
  ) {
    super('header of an epoch whose key is gone', position);
  }
}

type Fold = (event: StoredEvent, header: Header) => void;

/** What a token may do, as long as policies, entities and mounts are these: templates may ask for an alias by its mount's path. */
interface KnownPermission {
  readonly revision: number;
  readonly mounts: readonly Mount[];
  readonly permission: Permission;
}

export class Authority implements AuthorityFold {
  #position = 0;
  #keystore: KeystoreSeal | null = null;
  #sharesBackup: { readonly key: Uuid; readonly nonce: string } | null = null;
  #rotations: readonly RootRotation[] = [];
  #createdAt = 0;
  readonly slots = new Map<Uuid, Slot>();
  readonly terms = new TermTable();
  readonly epochs = new EpochTable();
  readonly entities = new EntityTable();
  readonly tokens = new TokenTable();
  readonly policies = new PolicyTable();
  readonly roles = new RoleTable();
  readonly logins = new LoginTable();
  readonly secretIds = new SecretIdTable();
  readonly quotas = new SettingsTable();
  readonly config = new SettingsTable();
  readonly holds = new HoldTable();
  readonly retention = new RetentionTable();
  readonly mounts: MountTable;
  readonly history = new History();
  /** Fills the templates of policies, by these mounts; whoever can open identities sets it. Without it only ids are known. */
  identityOf: (entity: Entity, mounts: MountTable) => Identity = ({ id }) => ({
    id,
    name: '',
    metadata: {},
    aliases: {},
  });
  readonly #permissions = new Permissions(this.policies);
  readonly #byToken = new WeakMap<Token, KnownPermission>();
  readonly #folds: Readonly<Record<string, Fold>>;

  constructor(readonly custody: Custody) {
    this.mounts = new MountTable(custody);
    this.#folds = this.#foldsByType();
  }

  get position(): number {
    return this.#position;
  }

  /** Where the encrypted shares of the last rekey are kept, if it was told to. */
  get sharesBackup(): { readonly key: Uuid; readonly nonce: string } | null {
    return this.#sharesBackup;
  }

  get keystore(): KeystoreSeal | null {
    return this.#keystore;
  }

  /** Of the root key, from the oldest. */
  get rotations(): readonly RootRotation[] {
    return this.#rotations;
  }

  /** Which root key it is: the first, and one more with each rotation. */
  get rootGeneration(): number {
    return this.#rotations.at(-1)?.generation ?? 1;
  }

  /** The newest header epoch. */
  get epoch(): number {
    return this.epochs.newest?.epoch ?? 0;
  }

  /** µs; when the newest header epoch was opened. */
  get epochOpenedAt(): number {
    return this.epochs.newest?.openedAt ?? 0;
  }

  /**
   * The position of the snapshot at which authority can begin at the earliest; null: at the ledger's first event, since no
   * header epoch was retired. That of a new root key's rotation replaces what was sealed under the one before.
   */
  get base(): number | null {
    const { retired } = this.epochs;
    if (retired.length === 0) return null;
    return Math.max(...retired.map(each => each.retired.snapshot), ...this.#rotations.map(each => each.snapshot));
  }

  /** µs; when the ledger was created. */
  get createdAt(): number {
    return this.#createdAt;
  }

  slotNamed(name: string): Slot | null {
    for (const slot of this.slots.values()) if (slot.name === name) return slot;
    return null;
  }

  /** The names on the token and those on its entity; a restricted token's entity adds nothing to it. */
  policiesOf(token: Token): readonly string[] {
    return [...new Set([...token.policies, ...this.identityPoliciesOf(token)])].sort();
  }

  /** Policies that a login's token has because of who logged in. */
  identityPoliciesOf(token: Token): readonly string[] {
    return token.mount === null ? [] : (this.entities.get(token.entity)?.policies ?? []);
  }

  /** What somebody with these policies, of whom nothing else is known, may do. */
  permissionOfNames(names: readonly string[]): Permission {
    return this.#permissions.of(names, null);
  }

  /** What the token may do by the policies as of now. */
  permissionOf(token: Token): Permission {
    const revision = this.policies.revision + this.entities.revision;
    const { all: mounts } = this.mounts;
    const known = this.#byToken.get(token);
    if (known?.revision === revision && known.mounts === mounts) return known.permission;
    const entity = this.entities.get(token.entity);
    const identity = entity === undefined ? null : this.identityOf(entity, this.mounts);
    const permission = this.#permissions.of(this.policiesOf(token), identity);
    this.#byToken.set(token, { revision, mounts, permission });
    return permission;
  }

  apply(event: StoredEvent): void {
    const header = openHeader(this.custody, event);
    if (header === null)
      throw this.custody.holdsEpoch(event.epoch)
        ? new IntegrityError('header', event.position)
        : new HeaderGone(event.epoch, event.position);
    this.epochs.saw(event);
    // Types that decide nothing here are folded by whoever needs them.
    this.#fold(event, header);
  }

  /** As of `position`, from what a snapshot kept; tokens are thawed after it. */
  restore(events: Iterable<{ readonly event: StoredEvent; readonly header: Header }>, position: number): void {
    for (const { event, header } of events) this.#fold(event, header);
    this.#position = position;
  }

  #fold(event: StoredEvent, header: Header): void {
    this.#folds[event.type]?.(event, header);
    this.history.add(event, header);
    this.#position = event.position;
  }

  #foldsByType(): Readonly<Record<string, Fold>> {
    const { terms, entities, tokens, policies, roles, logins, secretIds, quotas, mounts, holds } = this;
    return {
      'ledger.created': event => {
        this.#createdAt = event.recordedAt;
      },
      'keystore.changed': (event, header) => this.#keystoreChanged(event, header),
      'term.prepared': event => terms.wasPrepared(event),
      'term.activated': (event, header) => terms.wasActivated(event, header),
      'term.destroyed': event => terms.wasDestroyed(event),
      'epoch.opened': event => this.epochs.opened(event),
      'epoch.retired': (event, header) => this.epochs.wasRetired(event, header),
      'entity.created': (event, header) => entities.written(event, header),
      'entity.changed': (event, header) => entities.written(event, header),
      'entity.removed': event => entities.removed(event),
      'mount.enabled': (event, header) => mounts.enabled(event, header),
      'mount.tuned': (event, header) => mounts.tuned(event, header),
      'mount.moved': (event, header) => mounts.moved(event, header),
      'mount.disabled': event => this.#mountDisabled(event),
      'policy.written': (event, header) => policies.written(event, header),
      'policy.removed': (event, header) => policies.removed(event, header),
      'role.written': (event, header) => roles.written(event, header),
      'role.removed': event => this.#roleRemoved(event),
      'login.written': (event, header) => logins.written(event, header),
      'login.removed': event => logins.remove(event.streamId),
      'secretid.created': (event, header) => secretIds.created(event, header),
      'secretid.spent': event => secretIds.spent(event),
      'secretid.removed': event => secretIds.remove(event.streamId),
      'token.created': (event, header) => tokens.created(event, header),
      'token.renewed': event => tokens.renewed(event),
      'token.spent': event => tokens.spent(event),
      'token.revoked': event => tokens.revoked(event),
      'quota.written': (event, header) => quotas.written(event, header),
      'quota.removed': (event, header) => quotas.removed(event, header),
      'config.changed': (event, header) => this.#configChanged(event, header),
      'hold.placed': (event, header) => holds.placed(event, header),
      'hold.lifted': (event, header) => holds.lifted(event, header),
    };
  }

  #configChanged(event: StoredEvent, header: Header): void {
    this.config.written(event, header);
    if (isRetention(event, header)) this.retention.changed(event, header);
  }

  /** Disabling an auth method revokes every token issued through it, and ends its roles and logins. */
  #mountDisabled(event: StoredEvent): void {
    this.mounts.disabled(event);
    for (const table of [this.tokens, this.roles, this.logins, this.secretIds, this.config])
      table.endOf(event.streamId);
  }

  #roleRemoved({ streamId }: StoredEvent): void {
    const role = this.roles.get(streamId);
    this.roles.remove(streamId);
    if (role !== null) this.secretIds.endOfRole(role.mount, role.name);
  }

  #keystoreChanged(event: StoredEvent, header: Header): void {
    const facts = shape.read(shape.KeystoreFacts, event.facts, event);
    const { added, removed, backup, root } = shape.read(shape.KeystoreHeader, header, event);
    if (backup !== undefined) this.#sharesBackup = backup;
    if (root !== undefined) {
      const { position: at, recordedAt } = event;
      const { generation, first_epoch: firstEpoch, snapshot = 0 } = root;
      const rotation = { generation, firstEpoch, snapshot, at, recordedAt };
      this.#rotations = [...this.#rotations, rotation];
    }
    for (const id of removed ?? []) this.slots.delete(id);
    for (const { id, kind, name, entity, login_key } of added ?? [])
      this.slots.set(id, { id, kind, name: name ?? null, entity: entity ?? null, loginKey: login_key ?? null });
    this.terms.keystoreChanged(event, header);
    this.#keystore = {
      position: event.position,
      generation: facts.generation,
      slotsDigest: facts.slots_digest,
      term: facts.term,
      checks: new Map(facts.checks),
    };
  }
}
