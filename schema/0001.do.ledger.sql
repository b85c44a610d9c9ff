-- The ledger: streams of events in one total order, and the heads of that order.
--
-- Appends are serialised by one advisory lock for each ledger. That is the price of a gapless position, which lets every
-- projection keep a single bigint as its position and never ask whether an earlier one is still in flight.

create table ledger (
  ledger_id  uuid        not null,
  only_one   boolean     not null default true,
  created_at timestamptz not null default now(),
  constraint ledger_pkey primary key (only_one),
  constraint ledger_is_only_one check (only_one)
);
comment on table  ledger            is 'Which ledger lies in this schema: one row, written at init. Not secret, and not believed by itself: every box and hash binds the id.';
comment on column ledger.ledger_id  is 'Random, 16 bytes; pinned in the data folder of every node.';
comment on column ledger.only_one   is 'True: makes a second row impossible.';
comment on column ledger.created_at is 'For people; nothing depends on it.';

create table events (
  position       bigint      not null,
  event_id       uuid        not null,
  stream_id      uuid        not null,
  stream_version integer     not null,
  type           text        not null,
  lane           smallint    not null,
  recorded_at    timestamptz not null,
  actor          uuid,
  epoch          integer     not null,
  day            integer     not null,
  key_id         uuid,
  facts          jsonb       not null,
  header         bytea       not null,
  names          bytea,
  body           bytea,
  body_kind      smallint    not null,
  body_len       integer     not null,
  body_hash      bytea,
  row_mac        bytea       not null,
  constraint events_pkey                     primary key (position),
  constraint events_event_id_is_unique       unique (event_id),
  constraint events_one_per_stream_version   unique (stream_id, stream_version),
  constraint events_position_is_positive     check (position > 0),
  constraint events_stream_version_is_positive check (stream_version > 0),
  constraint events_lane_is_known            check (lane in (0, 1, 2)),
  constraint events_body_kind_is_known       check (body_kind in (0, 1, 2)),
  constraint events_body_is_where_it_says    check ((body is not null) = (body_kind = 1)),
  constraint events_body_hash_comes_with_body check ((body_hash is not null) = (body_kind <> 0)),
  constraint events_row_mac_has_32_bytes     check (octet_length(row_mac) = 32)
) with (
  fillfactor = 100,
  -- Rows never change: vacuum only has to freeze them, soon after they are written.
  autovacuum_vacuum_insert_scale_factor = 0,
  autovacuum_vacuum_insert_threshold = 100000,
  autovacuum_freeze_min_age = 0
);
-- Ciphertext does not compress: trying costs time on every write.
alter table events
  alter header set storage external,
  alter names  set storage external,
  alter body   set storage external;

-- The fold of authority, and the tail of it that every read brings along.
create index events_authority on events (position) where lane = 1;

comment on table  events                is 'Immutable facts, sealed. No update, delete or truncate by any role (triggers below, and no such grants).';
comment on column events.position       is 'Place in the whole ledger: 1, 2, 3 … without gaps, in commit order.';
comment on column events.event_id       is 'Version 7; version 8 where an Idempotency-Key names it, so that a repeat is found.';
comment on column events.stream_id      is 'The secret, policy, token … that it is about: random, or keyed from its name.';
comment on column events.stream_version is 'Place in its stream: 1, 2, 3 … without gaps.';
comment on column events.type           is 'One of the catalogue (docs/reference/events.md), in the clear.';
comment on column events.lane           is '0 data, 1 authority, 2 recorded requests.';
comment on column events.recorded_at    is 'The clock under the append lock, whole milliseconds, never backwards.';
comment on column events.actor          is 'The entity that did it: a random id. Null: nobody was known.';
comment on column events.epoch          is 'Which header key and row key.';
comment on column events.day            is 'Days since 1970 in UTC, when it was sealed: which day key opens the header.';
comment on column events.key_id         is 'The row in keys that opens the body. The row may be gone: then the body is noise.';
comment on column events.facts          is 'Numbers, booleans and ids in the clear, for keyless folds. No words, nothing computed from a value.';
comment on column events.header         is 'Who, what, when, where, why: a sealed box under a day key.';
comment on column events.names          is 'Name boxes of the nodes that this event brings in.';
comment on column events.body           is 'The value: a sealed box under a data key of its own, whose row in keys can be destroyed.';
comment on column events.body_kind      is '0 none, 1 in the row, 2 in blocks.';
comment on column events.body_len       is 'Bytes of the sealed, padded body; 0 without one.';
comment on column events.body_hash      is 'Stays when a block is dropped after its retention: the tree still verifies.';
comment on column events.row_mac        is 'Who holds the row key of the epoch wrote this row at this position.';

create table batches (
  size               bigint      not null,
  prev_size          bigint,
  root               bytea       not null,
  frontier           bytea       not null,
  last_at            timestamptz not null,
  authority_count    bigint      not null,
  authority_chain    bytea       not null,
  keyring_generation bigint      not null,
  epoch              integer     not null,
  head_mac           bytea       not null,
  constraint batches_pkey            primary key (size),
  constraint batches_prev_size_key   unique (prev_size),
  constraint batches_follow_a_batch  foreign key (prev_size) references batches (size),
  constraint batches_grow            check (case when prev_size is null then size = 0 else prev_size < size end),
  constraint batches_root_has_32_bytes     check (octet_length(root) = 32),
  constraint batches_head_mac_has_32_bytes check (octet_length(head_mac) = 32)
) with (fillfactor = 100);
comment on table  batches                    is 'One row for each commit: the head of the ledger after it, with frontier and MAC. Insert-only; a fork violates batches_prev_size_key.';
comment on column batches.size               is 'How many events there are: the newest position.';
comment on column batches.prev_size          is 'The head this batch was put on; null only at the beginning.';
comment on column batches.root               is 'Root of the Merkle tree of all events up to here (RFC 6962).';
comment on column batches.frontier           is 'Roots of the perfect subtrees, 32 bytes each, largest first (RFC 6962).';
comment on column batches.last_at            is 'The stamp of the newest event: no later one is before it.';
comment on column batches.authority_count    is 'How many events of lane 1 there are.';
comment on column batches.authority_chain    is 'A hash chain over them: nothing missing, inserted or in another order.';
comment on column batches.keyring_generation is 'The generation of the keyring that belongs here: an older one put back is refused.';
comment on column batches.epoch              is 'Whose row key made head_mac.';
comment on column batches.head_mac           is 'Who holds the row key wrote this head.';

create view ledger_head as
  select * from batches order by size desc limit 1;
comment on view ledger_head is 'The newest head.';

create table blocks (
  position    bigint      not null,
  recorded_at timestamptz not null,
  body        bytea       not null,
  constraint blocks_pkey primary key (position, recorded_at)
) partition by range (recorded_at);
-- Partitions inherit it.
alter table blocks alter body set storage external;
create table blocks_default partition of blocks default;
comment on table  blocks             is 'Bodies of recorded requests, by month, so that a month can be dropped after its retention; their hashes stay in events.';
comment on column blocks.position    is 'The event whose body it is.';
comment on column blocks.recorded_at is 'Of that event.';
comment on column blocks.body        is 'A sealed box of compressed lines.';
comment on table  blocks_default     is 'What falls outside the months that were made ahead.';

create function refuse_change() returns trigger
  language plpgsql as
$$
begin
  raise exception using
    errcode = 'restrict_violation',
    message = format('%s is append-only: %s is refused', tg_table_name, lower(tg_op));
end
$$;
comment on function refuse_change is 'History is never rewritten, whoever asks.';

create trigger events_are_immutable   before update or delete on events  for each row       execute function refuse_change();
create trigger events_stay            before truncate         on events  for each statement execute function refuse_change();
create trigger batches_are_immutable  before update or delete on batches for each row       execute function refuse_change();
create trigger batches_stay           before truncate         on batches for each statement execute function refuse_change();
create trigger ledger_is_immutable    before update or delete on ledger  for each row       execute function refuse_change();
create trigger ledger_stays           before truncate         on ledger  for each statement execute function refuse_change();
-- Also where session_replication_role would switch triggers off.
alter table events  enable always trigger events_are_immutable;
alter table events  enable always trigger events_stay;
alter table batches enable always trigger batches_are_immutable;
alter table batches enable always trigger batches_stay;
alter table ledger  enable always trigger ledger_is_immutable;
alter table ledger  enable always trigger ledger_stays;
