-- Reports of nodes are authenticated, and say as of when: `term.destroyed` is recorded because of them, and whoever may write
-- this table could otherwise report in a node's name that its copy of an erasure key is gone.

alter table nodes
  add column told bigint not null default 0,
  add column mac  bytea  not null default '';
comment on column nodes.told is 'µs: the newest event that the process knew.';
comment on column nodes.mac  is 'By the row key over all that the process says; a row without one is ignored.';
