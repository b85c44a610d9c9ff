-- The append path in one round trip, for a process that wrote last (docs/reference/postgresql.md).
--
-- Sound because every append compares and sets the same head under the same lock: stream heads cached as of `expect_size`
-- are exact when the newest size is `expect_size`. The caller stamps `recorded_at` from its estimate of this server's clock;
-- a reader "as of now" bumps `barrier` under the shared lock, and a stamp that was chosen before that is refused here.

create sequence barrier as bigint cache 1;
comment on sequence barrier is 'Bumped by each as-of barrier; an append that has not seen the bump takes the slow path, whose stamp is read under the lock.';

create function append(
  expect_size bigint, expect_barrier bigint, stamp timestamptz,
  event_ids uuid[], stream_ids uuid[], stream_versions integer[], types text[], lanes smallint[], actors uuid[],
  epochs integer[], days integer[], key_ids uuid[], all_facts jsonb[], headers bytea[], all_names bytea[], bodies bytea[],
  body_kinds smallint[], body_lens integer[], body_hashes bytea[], row_macs bytea[],
  new_key_ids uuid[], new_kinds smallint[], new_owners uuid[], new_terms integer[], new_wrapped bytea[],
  gone_key_ids uuid[],
  new_size bigint, new_root bytea, new_frontier bytea, new_authority_count bigint, new_authority_chain bytea,
  new_keyring_generation bigint, new_epoch integer, new_head_mac bytea,
  out outcome text, out newest_size bigint, out clock timestamptz, out barrier_now bigint
)
  language plpgsql volatile security invoker as
$$
declare
  newest_at timestamptz;
begin
  perform pg_advisory_xact_lock(1414745932, hashtext(current_schema()));
  -- Statements of their own, younger than the wait for the lock.
  select size, last_at into newest_size, newest_at from batches order by size desc limit 1;
  select last_value into barrier_now from barrier;
  clock := clock_timestamp();
  if newest_size is distinct from expect_size then
    outcome := 'size';
    return;
  elsif barrier_now is distinct from expect_barrier or stamp < newest_at
     or abs(extract(epoch from clock - stamp)) > 1 then
    outcome := 'clock';
    return;
  end if;

  insert into events (position, event_id, stream_id, stream_version, type, lane, recorded_at, actor, epoch, day, key_id,
                      facts, header, names, body, body_kind, body_len, body_hash, row_mac)
  select expect_size + n, u.event_id, u.stream_id, u.stream_version, u.type, u.lane, stamp, u.actor, u.epoch, u.day, u.key_id,
         u.facts, u.header, u.names, u.body, u.body_kind, u.body_len, u.body_hash, u.row_mac
    from unnest(event_ids, stream_ids, stream_versions, types, lanes, actors, epochs, days, key_ids, all_facts, headers,
                all_names, bodies, body_kinds, body_lens, body_hashes, row_macs)
         with ordinality
         as u (event_id, stream_id, stream_version, type, lane, actor, epoch, day, key_id, facts, header, names, body,
               body_kind, body_len, body_hash, row_mac, n);

  insert into keys (key_id, kind, owner, term, wrapped)
  select * from unnest(new_key_ids, new_kinds, new_owners, new_terms, new_wrapped);

  if cardinality(gone_key_ids) > 0 then
    delete from keys
     where key_id in (select k.key_id from keys k where k.key_id = any (gone_key_ids) order by k.key_id for update);
  end if;

  insert into batches (size, prev_size, root, frontier, last_at, authority_count, authority_chain, keyring_generation, epoch, head_mac)
  values (new_size, expect_size, new_root, new_frontier, stamp, new_authority_count, new_authority_chain,
          new_keyring_generation, new_epoch, new_head_mac);
  outcome := 'ok';
end
$$;
comment on function append is 'Appends a batch if the newest size is the expected one; otherwise writes nothing and says why: size, clock.';
