-- Take these runs, where they are due and nobody owns them: for a caller that drives its own runs.
-- Pauses and limits hold as in `claim`; cancelled runs are taken whatever is paused or full.
-- $1 worker, $2 organizations, $3 runs, $4 the Python stages that the worker has, $5 how many at most
with me as materialized (
    select id from tegu.workers where id = $1 and dead_at is null and lease_until > clock_timestamp() for key share
),
due as materialized (
    select r.organization_id, r.id, r.cancel_requested_at is not null as is_doomed,
        row_number() over (
            partition by r.organization_id, r.cancel_requested_at is not null
            order by r.due_at - make_interval(hours => r.priority), r.id) as turn
    from unnest($2::uuid[], $3::uuid[]) t (organization_id, id) join tegu.runs r using (organization_id, id)
    where r.owner is null and r.due_at <= statement_timestamp()
      and (r.cancel_requested_at is not null or (
        r.functions <@ $4::text[] and not exists (
            select 1 from tegu.pauses p
            where p.organization_id in (r.organization_id, '00000000-0000-0000-0000-000000000000')
              and p.pipeline_id in (r.pipeline_id, '00000000-0000-0000-0000-000000000000'))))
),
counted as materialized (
    select l.organization_id, l.claims, l.runs_max - (
        select count(*)::int from (
            select 1 from tegu.runs r where r.organization_id::text = l.organization_id::text and r.owner is not null
            limit l.runs_max
        ) under_way
    ) as free
    from (select distinct organization_id from due) d
    join tegu.organization_limits l on l.organization_id = d.organization_id
),
allowed as materialized (
    select l.organization_id, counted.free from counted
    join tegu.organization_limits l on l.organization_id = counted.organization_id and l.claims = counted.claims
    where counted.free > 0
    for no key update of l skip locked
),
wanted as materialized (
    select due.organization_id, due.id
    from due
    left join counted on counted.organization_id = due.organization_id
    left join allowed on allowed.organization_id = due.organization_id
    where due.is_doomed or counted.organization_id is null or due.turn <= allowed.free
    order by due.turn
    limit $5
),
pick as materialized (
    select r.organization_id, r.id from wanted join tegu.runs r using (organization_id, id)
    where r.owner is null and r.due_at <= statement_timestamp()
    order by r.organization_id, r.id
    for no key update of r skip locked
),
counts_again as (
    update tegu.organization_limits l set claims = l.claims + 1
    from (select distinct organization_id from pick) p, me
    where l.organization_id = p.organization_id
)
update tegu.runs r
set owner = me.id, epoch = r.epoch + 1, status = 'running',
    started_at = coalesce(r.started_at, clock_timestamp())
from pick, me
where r.organization_id = pick.organization_id and r.id = pick.id and r.owner is null
returning r.organization_id, r.id, r.epoch, r.rev, r.inbox, r.version_id, r.content_id, r.thread_id, r.model,
    r.cancel_requested_at is not null as cancel_requested, coalesce(r.pinned_at, r.created_at) as created_at, r.parent_id, r.slice_stage, r.slice_from, r.slice_of,
    r.input is not null as has_input,
    r.reuse_from, r.fork_stage, extract(epoch from r.deadline_at - clock_timestamp())::float8 as deadline_in_s
