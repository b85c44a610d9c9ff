-- Months of recorded requests, made ahead, so that dropping a month after its retention is dropping a table. The owner calls
-- this at every start; a year ahead, because a node may run that long. What falls outside lands in the default partition.

create function make_block_months(ahead integer) returns integer
  language plpgsql volatile security invoker as
$$
declare
  -- Without a zone, in UTC: whatever the session's zone is, a month begins at midnight UTC.
  month timestamp := date_trunc('month', now() at time zone 'UTC');
  child text;
  made  integer   := 0;
begin
  for n in 0 .. ahead loop
    child := 'blocks_' || to_char(month, 'YYYY_MM');
    if to_regclass(format('%I.%I', current_schema(), child)) is null then
      begin
        execute format('create table %I.%I partition of %I.blocks for values from (%L) to (%L)',
                       current_schema(), child, current_schema(),
                       month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC');
        made := made + 1;
      exception
        -- The default partition has rows of that month already: they stay where they are.
        when check_violation then null;
      end;
    end if;
    month := month + interval '1 month';
  end loop;
  return made;
end
$$;
comment on function make_block_months is 'Makes the partitions of this month and the given number of next ones that are missing; answers how many it made.';
