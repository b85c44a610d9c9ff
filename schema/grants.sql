-- Least privilege. The group roles have no login; each node's logins are members. Nobody but the owner may change a table,
-- and the triggers of 0001 hold for the owner too.
--
-- Not a migration: it runs after the migrations wherever the roles lack something, because a database that was restored or
-- copied under another name has other group roles.

revoke all on all tables    in schema ${schema} from public;
revoke all on all functions in schema ${schema} from public;
grant usage on schema ${schema}      to ${writer}, ${projector}, ${auditor};
grant usage on schema ${projections} to ${writer}, ${projector}, ${auditor};
-- Workers make, swap and drop their tables; a rebuild fills new ones beside the live ones, under the same names.
grant create        on schema ${projections} to ${projector};
grant usage, create on schema ${beside}      to ${projector};

grant select, insert on ledger, events, batches, blocks, snapshots, keys, slots, keyring to ${writer};
grant select on ledger_head to ${writer};
grant update, delete on keys, slots, keyring to ${writer};
grant delete on snapshots to ${writer};
grant select, insert, update, delete on nodes to ${writer};
grant select, insert on erasure_keys to ${writer};
grant select on migrations to ${writer};
grant select, update on sequence settled to ${writer};
grant execute on function append, settle to ${writer};

grant select on events, batches, ledger_head to ${projector};

grant select on events, batches, ledger_head, blocks to ${auditor};

grant select on all tables in schema ${projections} to ${writer}, ${auditor};
-- A table keeps the privileges that it was made with when it changes its schema.
alter default privileges for role ${projector} in schema ${projections} grant select on tables to ${writer}, ${auditor};
alter default privileges for role ${projector} in schema ${beside}      grant select on tables to ${writer}, ${auditor};

-- Tables of the projections belong to the projector, whichever role of another database's they came from.
do $$
declare
  found regclass;
begin
  for found in
    select c.oid from pg_class c
     where c.relnamespace in (select oid from pg_namespace
                               where nspname in (trim('"' from '${projections}'), trim('"' from '${beside}')))
       and c.relkind = 'r' and pg_get_userbyid(c.relowner) <> trim('"' from '${projector}')
  loop
    execute format('alter table %s owner to ${projector}', found);
  end loop;
end
$$;
