-- Answers: which events concern an actor, a secret or a folder, or are of a type — as positions, in order, for keyset pages.
-- Filters live here and not on `events`, whose inserts would pay for every index.
--
-- A folder is not stored with each event: it is resolved through the tree to the streams under it, so that a row stays
-- narrow (a row for each ancestor cost four times the rows at the usual depth, an array with GIN five times the build).
create table {audit_index} (
  position    bigint      not null,
  stream_id   uuid        not null,
  actor       uuid,
  type        text        not null,
  recorded_at timestamptz not null,
  constraint audit_index_{suffix}_pkey primary key (position)
) with (fillfactor = 100);
comment on table {audit_index} is 'Every event by actor, stream and type.';
-- ---
create index audit_index_{suffix}_actor  on {audit_index} (actor, position);
create index audit_index_{suffix}_stream on {audit_index} (stream_id, position);
create index audit_index_{suffix}_type   on {audit_index} (type, position);
