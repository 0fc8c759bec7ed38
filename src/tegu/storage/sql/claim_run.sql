-- Take these runs, where they are due and nobody owns them: for a caller that drives its own runs.
-- $1 worker, $2 organizations, $3 runs, $4 the Python stages that the worker has, $5 how many at most
with me as materialized (
    select id from tegu.workers where id = $1 and dead_at is null and lease_until > clock_timestamp() for key share
),
wanted as materialized (
    select * from unnest($2::uuid[], $3::uuid[]) t (organization_id, id)
),
pick as materialized (
    select r.organization_id, r.id from wanted join tegu.runs r using (organization_id, id)
    where r.owner is null and r.due_at <= statement_timestamp()
        and (r.functions <@ $4::text[] or r.cancel_requested_at is not null)
    order by r.organization_id, r.id
    limit $5
    for no key update of r skip locked
)
update tegu.runs r
set owner = me.id, epoch = r.epoch + 1, status = 'running',
    started_at = coalesce(r.started_at, clock_timestamp())
from pick, me
where r.organization_id = pick.organization_id and r.id = pick.id and r.owner is null
returning r.organization_id, r.id, r.epoch, r.rev, r.inbox, r.version_id, r.content_id, r.thread_id, r.model,
    r.cancel_requested_at is not null as cancel_requested, r.created_at
