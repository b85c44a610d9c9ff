-- Once a header epoch is retired a start needs a snapshot: they may not be deleted at any time any more.
comment on table snapshots is 'Sealed snapshots of authority, which shorten a start. Once a header epoch is retired a start needs one.';
