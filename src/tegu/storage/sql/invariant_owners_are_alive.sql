-- A run that somebody owns is owned by a living worker; a dead one's runs are freed as soon as another worker lives.
-- $1 how many rows
select r.organization_id, r.id as run_id,
    format('is owned by worker %s, which %s', r.owner,
        case when w.id is null then 'nobody knows' else 'is dead since ' || coalesce(w.dead_at, w.lease_until) end) as detail
from tegu.runs r left join tegu.workers w on w.id = r.owner
where r.owner is not null
    and (w.id is null or coalesce(w.dead_at, w.lease_until) < clock_timestamp() - interval '60 seconds')
    and exists (
        select 1 from tegu.workers alive
        where alive.dead_at is null and alive.lease_until > clock_timestamp()
            and alive.started_at < clock_timestamp() - interval '60 seconds')
limit $1
