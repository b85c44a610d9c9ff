-- Answers: which event of a secret was its newest at or before a position (one index probe, in a stream of any length), and
-- what every secret is now, for counts and screens. No row here decides anything: what it points at is authenticated.
create table {secret_moments} (
  stream_id      uuid    not null,
  position       bigint  not null,
  stream_version integer not null,
  constraint secret_moments_{suffix}_pkey primary key (stream_id, position)
) with (fillfactor = 90);
comment on table {secret_moments} is 'Each event of each secret: the as-of index.';

create table {secrets} (
  stream_id      uuid    not null,
  stream_version integer not null,
  position       bigint  not null,
  version        integer not null,
  removed        boolean not null,
  destroyed      boolean not null,
  deletion_time  bigint  not null,
  updated        bigint  not null,
  constraint secrets_{suffix}_pkey primary key (stream_id)
) with (fillfactor = 80);
comment on table {secrets} is 'Every secret as it is now, from the head that its newest event carries.';
-- ---
