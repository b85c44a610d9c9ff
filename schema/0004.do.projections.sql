-- Projections live in a schema of their own (`<ledger schema>_projections`), whose tables belong to the projector role: they
-- are derived, made and dropped by the workers, and no role that can read keys writes there. This table is their memory of
-- how far they are.

create table ${projections}.projection (
  name        text        not null,
  version     integer     not null,
  position    bigint      not null,
  state       text        not null,
  lease_token uuid,
  lease_until timestamptz,
  stopped_at  bigint,
  reason      text,
  constraint projection_pkey                  primary key (name),
  constraint projection_position_not_negative check (position >= 0),
  constraint projection_state_is_known        check (state in ('running', 'rebuilding', 'stopped'))
) with (fillfactor = 50);
comment on table  ${projections}.projection             is 'What each projection has folded up to, and which worker may fold it now.';
comment on column ${projections}.projection.name        is 'The folder under projections/.';
comment on column ${projections}.projection.version     is 'Of the fold and its tables: another one than the program''s is rebuilt.';
comment on column ${projections}.projection.position    is 'Moves in the same transaction as the rows: each event is applied exactly once.';
comment on column ${projections}.projection.state       is 'running, rebuilding or stopped.';
comment on column ${projections}.projection.lease_token is 'The worker that may move the position; others stand by until lease_until.';
comment on column ${projections}.projection.lease_until is 'The worker renews it while it lives.';
comment on column ${projections}.projection.stopped_at  is 'The position it could not fold; it stays there until a rebuild.';
comment on column ${projections}.projection.reason      is 'Why, in words without any content of the event.';
