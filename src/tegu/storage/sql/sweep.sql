-- Free runs whose owner is no live worker; may be repeated at any time. The dead are named first, and each row is held
-- against that list once it is locked: a run that a live worker took meanwhile is left alone. $1 how many at most
with recursive owners as (
    (select owner from tegu.runs where owner is not null order by owner limit 1)
    union all
    select next.owner from owners cross join lateral (
        select r.owner from tegu.runs r where r.owner > owners.owner order by r.owner limit 1
    ) next
),
dead as materialized (
    select owner from owners
    where not exists (select 1 from tegu.workers w where w.id = owners.owner and w.dead_at is null)
),
pick as materialized (
    select r.organization_id, r.id, r.owner from dead join tegu.runs r on r.owner = dead.owner
    order by r.organization_id, r.id
    limit $1
    for no key update of r skip locked
)
update tegu.runs r set owner = null, due_at = clock_timestamp()
from pick where r.organization_id = pick.organization_id and r.id = pick.id and r.owner = pick.owner
returning r.organization_id, r.id
