-- Erasure keys that a key service keeps: wrapped under a key made for their term alone, so that the end of that key is the
-- end of them, wherever this row was copied to. Erasure keys of the other kinds are never in the database.

create table erasure_keys (
  term    integer not null,
  uri     text    not null,
  wrapped bytea   not null,
  constraint erasure_keys_pkey             primary key (term),
  constraint erasure_keys_term_is_positive check (term > 0)
);
comment on table  erasure_keys         is 'Only where TALLYSTICK_ERASURE_KEY names a key service. Without that service''s key a row is noise.';
comment on column erasure_keys.term    is 'Whose erasure key it is.';
comment on column erasure_keys.uri     is 'The key at the service: names it, and holds no credential.';
comment on column erasure_keys.wrapped is 'What the service made of 32 bytes.';
