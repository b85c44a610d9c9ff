-- Answers: which event of a secret was its newest at or before a position (one index probe, in a stream of any length), and
-- what every secret is now, for counts and screens. No row here decides anything: what it points at is authenticated.
create table secret_moments (
  stream_id      uuid    not null,
  position       bigint  not null,
  stream_version integer not null
) with (fillfactor = 100);
comment on table  secret_moments                is 'Each event of each secret: the as-of index. From this position on, until the next row of the stream, this stream version was the newest.';
comment on column secret_moments.stream_id      is 'The secret''s node.';
comment on column secret_moments.position       is 'Of the event.';
comment on column secret_moments.stream_version is 'Of the event.';

create table secrets (
  stream_id      uuid    not null,
  stream_version integer not null,
  position       bigint  not null,
  version        integer not null,
  removed        boolean not null,
  destroyed      boolean not null,
  deletion_time  bigint  not null,
  created        bigint  not null,
  updated        bigint  not null,
  constraint secrets_pkey primary key (stream_id)
) with (fillfactor = 80);
comment on table  secrets                is 'Every secret as it is now, from the head that its newest event carries.';
comment on column secrets.stream_id      is 'The secret''s node.';
comment on column secrets.stream_version is 'Of its newest event.';
comment on column secrets.position       is 'Of its newest event.';
comment on column secrets.version        is 'The current version; 0 if it has none.';
comment on column secrets.removed        is 'It is not listed any more; its history stays.';
comment on column secrets.destroyed      is 'The current version was.';
comment on column secrets.deletion_time  is 'Of the current version, µs since 1970; 0 if it has none.';
comment on column secrets.created        is 'µs since 1970.';
comment on column secrets.updated        is 'µs since 1970.';
-- --- made after the rows when a rebuild fills the tables
alter table secret_moments add constraint secret_moments_pkey primary key (stream_id, position);
