-- Give back runs that a worker owns and does not drive: their claim's answer was lost, or they could not be taken over.
-- Each time they wait longer, up to five minutes, unless they are to be cancelled.
-- $1 worker, $2 organizations, $3 runs, $4 epochs
with pick as materialized (
    select r.organization_id, r.id
    from unnest($2::uuid[], $3::uuid[], $4::int[]) t (organization_id, id, epoch)
    join tegu.runs r using (organization_id, id)
    where r.owner = $1 and r.epoch = t.epoch
    order by r.organization_id, r.id
    for no key update of r
)
update tegu.runs r
set owner = null, due_at = clock_timestamp() + make_interval(
    secs => case when r.cancel_requested_at is null then least(300, 0.1 * power(2, least(r.epoch, 12))) else 0 end)
from pick where r.organization_id = pick.organization_id and r.id = pick.id and r.owner = $1
returning r.organization_id, r.id
