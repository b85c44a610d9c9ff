-- Answers: which events concern an actor, a secret or a folder, or are of a type — as positions, in order, for keyset pages.
-- Filters live here and not on `events`, whose inserts would pay for every index. A time range is a range of positions,
-- because time never goes backwards: it needs no index.
--
-- A folder is not stored with each event. Whoever asks resolves it, through the tree, to the streams under it. Measured on
-- 200,000 events of 40,000 secrets, four levels deep; CPU of building, size, and a page of 500 of a folder's 500 / 10,000 /
-- all events:
--
--   these rows, with (stream_id, position)     0.9 s    47 MB      2 /   4 /  46 ms, and 8 / 11 / 157 ms to resolve the folder
--   an array of ancestors with a GIN index     1.7 s    60 MB      4 /   4 /   1 ms
--   a row for each ancestor                    2.4 s   101 MB      1 /   1 /   1 ms
--
-- So the others cost twice to three times the work for every event, for ever, to save milliseconds of a search that people
-- make now and then. What would take longest, a folder of very many secrets, is not narrowed down at all (find.ts).
create table audit_index (
  position    bigint      not null,
  stream_id   uuid        not null,
  actor       uuid,
  type        text        not null,
  recorded_at timestamptz not null
) with (fillfactor = 100);
comment on table  audit_index             is 'Every event by actor, stream and type.';
comment on column audit_index.position    is 'Of the event.';
comment on column audit_index.stream_id   is 'The secret''s node, or the stream of whatever else it is about.';
comment on column audit_index.actor       is 'The entity that did it: a random id. Null: nobody was known.';
comment on column audit_index.type        is 'One of the catalogue.';
comment on column audit_index.recorded_at is 'For people who look in here; searches use positions.';
-- --- made after the rows when a rebuild fills the table
alter table audit_index add constraint audit_index_pkey primary key (position);
create index audit_index_actor  on audit_index (actor, position);
create index audit_index_stream on audit_index (stream_id, position);
create index audit_index_type   on audit_index (type, position);
