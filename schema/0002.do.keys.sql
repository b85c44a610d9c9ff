-- The key store: the one place whose rows change and vanish. Key material lives here, always wrapped, and never in an
-- event: otherwise a changed password or a destroyed key would live on in an immutable row.

create table keys (
  key_id  uuid     not null,
  kind    smallint not null,
  owner   uuid     not null,
  term    integer  not null,
  wrapped bytea    not null,
  constraint keys_pkey             primary key (key_id),
  constraint keys_kind_is_positive check (kind > 0),
  constraint keys_term_is_positive check (term > 0)
) with (fillfactor = 90);
-- A start needs all header epochs; they are a few among millions.
create index keys_of_epochs on keys (owner) where kind = 6;
comment on table  keys         is 'Data keys, wrapped under a term''s wrapping key. Destroying a secret deletes its row; what erases it is the end of the term.';
comment on column keys.key_id  is 'Random; named by the event whose body it opens.';
comment on column keys.kind    is '1 secret version, 2 custom metadata, 3 identity, 4 credential, 6 header epoch.';
comment on column keys.owner   is 'The stream, entity, login, slot or epoch that the key belongs to; bound by the box.';
comment on column keys.term    is 'Whose wrapping key it lies under.';
comment on column keys.wrapped is 'A sealed box that commits to key id, kind, owner and term.';

create table slots (
  slot_id uuid  not null,
  record  bytea not null,
  constraint slots_pkey primary key (slot_id)
);
comment on table  slots         is 'The root key under a password, a share, a key file. The ledger records a digest of all slots: an old one put back is refused.';
comment on column slots.slot_id is 'Random.';
comment on column slots.record  is 'Parameters and box, as docs/reference/formats.md §3 writes them.';

create table keyring (
  generation bigint not null,
  box        bytea  not null,
  constraint keyring_pkey primary key (generation)
);
comment on table  keyring            is 'Index, name, row, token and other keys, wrapped under the root key. One row but inside the transaction that replaces it.';
comment on column keyring.generation is 'Counts changes; the head of the ledger says which one is right.';
comment on column keyring.box        is 'A sealed box under the root key.';

create table snapshots (
  position bigint  not null,
  part     integer not null,
  parts    integer not null,
  box      bytea   not null,
  constraint snapshots_pkey primary key (position, part)
);
alter table snapshots alter box set storage external;
comment on table  snapshots          is 'Sealed snapshots of authority, which shorten a start. They may be deleted at any time.';
comment on column snapshots.position is 'Authority as of this position.';
comment on column snapshots.part     is 'A snapshot may take several rows: 1 … parts.';
comment on column snapshots.parts    is 'How many belong together.';
comment on column snapshots.box      is 'A sealed box that commits to position and part.';
