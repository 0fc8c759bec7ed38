-- Drop the events of runs that ended $2 seconds ago, of one organization, some runs at a time.
-- $1 organization, $3 the run looked at last, $4 how many runs. Returns how many rows went, and the run looked at last.
-- Ids tell when their run was made, so newer runs are not looked at; those whose events are gone cost nothing.
with recursive looked as (
    (select run_id, 1 as n from tegu.run_events
     where organization_id = $1 and run_id > $3
        and run_id < (lpad(to_hex((extract(epoch from statement_timestamp() - make_interval(secs => $2::float8)) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
     order by run_id limit 1)
    union all
    select next.run_id, looked.n + 1 from looked cross join lateral (
        select e.run_id from tegu.run_events e
        where e.organization_id = $1 and e.run_id > looked.run_id
            and e.run_id < (lpad(to_hex((extract(epoch from statement_timestamp() - make_interval(secs => $2::float8)) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
        order by e.run_id limit 1
    ) next
    where looked.n < $4
),
gone as (
    delete from tegu.run_events e using looked, tegu.runs r
    where e.organization_id = $1 and e.run_id = looked.run_id and r.organization_id = $1 and r.id = looked.run_id
        and r.status in ('completed', 'failed', 'cancelled')
        and r.ended_at < statement_timestamp() - make_interval(secs => $2::float8)
    returning 1
)
select (select count(*) from gone)::int as rows, (select run_id from looked order by n desc limit 1) as upto
