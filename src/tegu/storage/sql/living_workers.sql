-- The workers whose lease has not ended, with how many runs each owns, oldest first.
select w.id, w.host, w.pid, w.version, w.concurrency, w.functions, w.drives_all, w.started_at, w.beat_at,
    (select count(*) from tegu.runs r where r.owner = w.id)::int as owned_runs
from tegu.workers w
where w.dead_at is null and w.lease_until > clock_timestamp()
order by w.started_at, w.id
limit 1000
