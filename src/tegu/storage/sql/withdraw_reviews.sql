-- Take back open reviews that nobody needs any more: their run has ended, or their stage without them. $1 how many at most.
with pick as materialized (
    select v.organization_id, v.id from tegu.reviews v
    where v.status = 'open' and (
        not exists (
            select 1 from tegu.runs r
            where r.organization_id = v.organization_id and r.id = v.run_id and r.status in ('pending', 'running', 'waiting'))
        or exists (
            select 1 from tegu.stage_runs s
            where s.organization_id = v.organization_id and s.run_id = v.run_id and s.stage = v.stage and s.item = v.item
                and s.status in ('completed', 'failed', 'skipped', 'cancelled')))
    limit $1
    for update of v skip locked
)
update tegu.reviews v set status = 'withdrawn', decided_at = clock_timestamp()
from pick where v.organization_id = pick.organization_id and v.id = pick.id and v.status = 'open'
returning 1
