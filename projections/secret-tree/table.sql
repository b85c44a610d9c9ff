-- Answers: what is in a folder, now and as of any position; and which secrets were ever known under it. Nodes are keyed ids
-- and names are sealed boxes: the tree's shape is all that can be read here.
create table {tree_names} (
  node     uuid   not null,
  parent   uuid   not null,
  position bigint not null,
  box      bytea  not null,
  constraint tree_names_{suffix}_pkey primary key (node)
) with (fillfactor = 100);
comment on table {tree_names} is 'Each node under its parent, with the name box of the event that first brought it in.';

create table {tree_children} (
  parent   uuid     not null,
  node     uuid     not null,
  kind     smallint not null,
  from_pos bigint   not null,
  to_pos   bigint,
  constraint tree_children_{suffix}_pkey primary key (node, kind, from_pos),
  constraint tree_children_{suffix}_kind check (kind in (1, 2))
) with (fillfactor = 80);
comment on table  {tree_children}      is 'When a child was there: 1 a secret, 2 a folder with anything living under it.';
comment on column {tree_children}.to_pos is 'The position that ended it; null while it is there. A folder changes only with its first and last living descendant.';
-- The fold itself looks up what is living: these are not left for last.
create index tree_names_{suffix}_parent    on {tree_names}    (parent);
create index tree_children_{suffix}_parent on {tree_children} (parent, from_pos);
create unique index tree_children_{suffix}_living on {tree_children} (parent, node, kind) where to_pos is null;
-- ---
