-- The append path in one round trip, for a process that wrote last, and the moment that readers have settled
-- (docs/reference/postgresql.md).
--
-- Every append compares the newest size with the one it expects and inserts under one lock, so stream heads that a process
-- cached as of `expect_size` are exact when the newest size is `expect_size`. The caller has to stamp before it holds the
-- lock (the stamp is in the hashes), so the stamp is judged here: never before the newest one, never at a moment that a
-- reader was told is complete, never far from this server's clock. A refusal writes nothing and the caller takes the path
-- of two flights, which stamps under the lock.

create sequence settled as bigint;
comment on sequence settled is 'The newest moment, µs since 1970, that a reader was told is complete: nothing is stamped at or before it any more. A sequence, because its value is seen at once, is not undone by a rollback and leaves no dead rows.';

create function settle(moment_us bigint, out settled_us bigint, out newest_size bigint)
  language plpgsql volatile security invoker as
$$
declare
  passed_at constant timestamptz := to_timestamp((moment_us / 1000 + 1) / 1000.0);
begin
  if passed_at > clock_timestamp() + interval '2 seconds' then
    -- Appends wait as long as this does.
    raise exception using errcode = 'invalid_parameter_value', message = 'that moment is in the future';
  end if;
  perform pg_advisory_xact_lock_shared(1414745932, hashtext(current_schema()));
  -- Nobody can append now. Whoever can afterwards stamps after `settled`, even if the clock is set back.
  perform pg_sleep(greatest(0, extract(epoch from passed_at - clock_timestamp())));
  -- Readers hold the lock above together: one after another here, so that the greatest moment stays.
  perform pg_advisory_xact_lock(1414745933, hashtext(current_schema()));
  select setval('settled', greatest(s.last_value, moment_us)) into settled_us from settled s;
  select max(b.size) into newest_size from batches b;
end
$$;
comment on function settle is 'Waits until the clock has passed the millisecond of the moment, and promises that no later event is stamped in or before it; answers the newest size, which holds all that are. Moments in the future are refused.';

create function append(
  expect_size bigint, stamp timestamptz, max_skew_ms integer,
  event_ids uuid[], stream_ids uuid[], stream_versions integer[], types text[], lanes smallint[], actors uuid[],
  epochs integer[], days integer[], key_ids uuid[], all_facts jsonb[], headers bytea[], all_names bytea[], bodies bytea[],
  body_kinds smallint[], body_lens integer[], body_hashes bytea[], row_macs bytea[],
  new_key_ids uuid[], new_kinds smallint[], new_owners uuid[], new_terms integer[], new_wrapped bytea[],
  gone_key_ids uuid[],
  new_size bigint, new_root bytea, new_frontier bytea, new_authority_count bigint, new_authority_chain bytea,
  new_keyring_generation bigint, new_epoch integer, new_head_mac bytea,
  out outcome text, out newest_size bigint, out clock timestamptz
)
  language plpgsql volatile security invoker as
$$
declare
  newest_at  timestamptz;
  settled_us bigint;
begin
  perform pg_advisory_xact_lock(1414745932, hashtext(current_schema()));
  -- Statements of their own, younger than the wait for the lock.
  select b.size, b.last_at into newest_size, newest_at from batches b order by b.size desc limit 1;
  select s.last_value into settled_us from settled s;
  clock := clock_timestamp();
  if newest_size is distinct from expect_size then
    outcome := 'size';
    return;
  elsif stamp < newest_at or stamp <= to_timestamp(settled_us / 1000000.0)
     or abs(extract(epoch from clock - stamp)) * 1000 > max_skew_ms then
    outcome := 'clock';
    return;
  elsif new_size is distinct from expect_size + cardinality(event_ids) then
    raise exception using errcode = 'data_exception', message = 'the new size is not the old one and the events';
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
