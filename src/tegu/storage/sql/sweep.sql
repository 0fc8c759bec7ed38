-- Free runs whose owner is no live worker; may be repeated at any time. $1 how many at most
with pick as materialized (
    select r.organization_id, r.id from tegu.runs r
    where r.owner is not null
        and not exists (select 1 from tegu.workers w where w.id = r.owner and w.dead_at is null)
    order by r.organization_id, r.id
    limit $1
    for no key update skip locked
)
update tegu.runs r set owner = null, due_at = clock_timestamp()
from pick where r.organization_id = pick.organization_id and r.id = pick.id
returning r.organization_id, r.id
