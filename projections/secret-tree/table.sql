-- Answers: what is in a folder, now and as of any position; and which secrets were ever known under it. Nodes are keyed ids
-- and names are sealed boxes: the tree's shape is all that can be read here.
create table tree_names (
  node     uuid   not null,
  parent   uuid   not null,
  position bigint not null,
  box      bytea  not null,
  constraint tree_names_pkey primary key (node)
) with (fillfactor = 100);
-- Ciphertext does not compress: trying costs time.
alter table tree_names alter box set storage external;
comment on table  tree_names          is 'Each node under its parent. The first parent is the mount, which has no row.';
comment on column tree_names.position is 'Of the event that first brought it in.';
comment on column tree_names.box      is 'The name box of that event; those of later events do not count.';

create table tree_children (
  parent   uuid     not null,
  node     uuid     not null,
  kind     smallint not null,
  from_pos bigint   not null,
  to_pos   bigint,
  constraint tree_children_kind_is_known check (kind in (1, 2)),
  constraint tree_children_end_later     check (to_pos > from_pos)
) with (fillfactor = 80);
comment on table  tree_children          is 'When a child was there.';
comment on column tree_children.kind     is '1 a secret, there while its head does not say that it was removed; 2 a folder, there while anything lives under it.';
comment on column tree_children.from_pos is 'The position that made it appear.';
comment on column tree_children.to_pos   is 'The position that ended it; null while it is there. A folder changes only with its first and its last living descendant.';
-- By this one the fold itself finds what is there.
create unique index tree_children_there on tree_children (parent, node, kind) where to_pos is null;
-- --- made after the rows when a rebuild fills the tables
alter table tree_children add constraint tree_children_pkey primary key (node, kind, from_pos);
create index tree_children_ended on tree_children (parent, to_pos) where to_pos is not null;
create index tree_names_parent   on tree_names (parent);
