-- Nodes: what each process says of itself, so that a rotation of terms knows whom to wait for.
--
-- Coordination, not authority: a row that lies or is missing makes a rotation wait or go on too early for that node, and
-- changes nothing about who may do what. The ledger records what was reported when a step was taken.

create table nodes (
  process    uuid        not null,
  node       text        not null,
  holds      jsonb       not null,
  keeps      integer[]   not null,
  ended      boolean     not null,
  started_at timestamptz not null default clock_timestamp(),
  seen_at    timestamptz not null default clock_timestamp(),
  constraint nodes_pkey              primary key (process),
  constraint nodes_name_is_short     check (length(node) between 1 and 64),
  constraint nodes_holds_is_an_array check (jsonb_typeof(holds) = 'array')
) with (fillfactor = 50);
comment on table  nodes            is 'One row for each process of a node, renewed every few seconds while it is unsealed.';
comment on column nodes.process    is 'Random, of this process.';
comment on column nodes.node       is 'The node''s name; its processes share a data folder.';
comment on column nodes.holds      is 'Terms whose keys are in memory: [[term, check], …]. A check tells that the erasure key is the right one, and nothing else about it.';
comment on column nodes.keeps      is 'Terms whose erasure keys lie in a place of this node, to be destroyed with them.';
comment on column nodes.ended      is 'It sealed or stopped by itself: nobody waits for it.';
comment on column nodes.started_at is 'When it was unsealed.';
comment on column nodes.seen_at    is 'By the clock of the database.';
