-- Take due runs that nobody owns, fairly across the organizations that follow a lane; never for a worker that is not alive.
-- One row even if nothing was taken: how far it looked, whether a limit held something back, and whether another claim did.
-- A lane is what is due of one organization, pipeline and priority; 64 organizations are looked at, and 32 lanes of each. Paused
-- lanes are passed over. Within an organization a step of priority is worth an hour of waiting. Cancelled runs may be taken by any
-- worker, whatever is paused or full: ending them needs no stage.
-- $1 worker, $2 how many, $3 organization, $4 pipeline, $5 priority of the lane to start after, $6 the Python stages that the
-- worker has, $7 organizations and $8 how many runs of each it owns, $9 how many of one it may own at most
with recursive me as materialized (
    select id from tegu.workers where id = $1 and dead_at is null and lease_until > clock_timestamp() for key share
),
lanes as (
    (select organization_id, pipeline_id, priority, 1 as organizations, 1 as lane, 1 as n from tegu.runs
     where owner is null and due_at is not null and (organization_id, pipeline_id, priority) > ($3, $4, $5::smallint)
     order by organization_id, pipeline_id, priority limit 1)
    union all
    select next.organization_id, next.pipeline_id, next.priority,
        lanes.organizations + (next.organization_id <> lanes.organization_id)::int,
        case when next.organization_id = lanes.organization_id then lanes.lane + 1 else 1 end,
        lanes.n + 1
    from lanes cross join lateral (
        select r.organization_id, r.pipeline_id, r.priority from tegu.runs r
        where r.owner is null and r.due_at is not null and (r.organization_id, r.pipeline_id, r.priority) > (
            lanes.organization_id,
            case when lanes.lane < 32 then lanes.pipeline_id else 'ffffffff-ffff-ffff-ffff-ffffffffffff' end,
            case when lanes.lane < 32 then lanes.priority else 32767::smallint end)
        order by r.organization_id, r.pipeline_id, r.priority limit 1
    ) next
    where lanes.organizations <= 64 and lanes.n < 256
),
mine as materialized (
    select * from unnest($7::uuid[], $8::int[]) t (organization_id, runs)
),
due as materialized (
    select lanes.organization_id, lanes.pipeline_id, lanes.priority, lanes.n, coalesce(mine.runs, 0) as owned
    from lanes left join mine on mine.organization_id = lanes.organization_id
    where lanes.organizations <= 64 and coalesce(mine.runs, 0) < $9
      and not exists (
        select 1 from tegu.pauses p
        where p.organization_id in (lanes.organization_id, '00000000-0000-0000-0000-000000000000')
          and p.pipeline_id in (lanes.pipeline_id, '00000000-0000-0000-0000-000000000000'))
      and exists (
        select 1 from tegu.runs r
        where r.organization_id = lanes.organization_id and r.pipeline_id = lanes.pipeline_id
          and r.priority = lanes.priority and r.owner is null and r.due_at <= statement_timestamp()
          and r.functions <@ $6::text[])
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
-- A claim that counted before another's was committed gets no row here.
allowed as materialized (
    select l.organization_id, counted.free from counted
    join tegu.organization_limits l on l.organization_id = counted.organization_id and l.claims = counted.claims
    where counted.free > 0
    for no key update of l skip locked
),
asking as materialized (
    select d.organization_id, min(d.n) as n, least(coalesce(max(allowed.free), $2), $9 - max(d.owned)) as free
    from due d
    left join counted on counted.organization_id = d.organization_id
    left join allowed on allowed.organization_id = d.organization_id
    where counted.organization_id is null or allowed.organization_id is not null
    group by d.organization_id
),
share as materialized (
    select greatest(1, $2 / greatest(1, count(*)))::int as runs from asking
),
-- The first of each lane, as they stand within their organization...
first as materialized (
    select d.organization_id, d.pipeline_id, d.priority, d.owned, asking.n, asking.free,
        row_number() over (partition by d.organization_id order by c.turn_at) as turn
    from asking join due d on d.organization_id = asking.organization_id
    cross join lateral (
        select r.due_at - make_interval(hours => d.priority) as turn_at from tegu.runs r
        where r.organization_id = d.organization_id and r.pipeline_id = d.pipeline_id and r.priority = d.priority
          and r.owner is null and r.due_at <= statement_timestamp() and r.functions <@ $6::text[]
        order by r.due_at
        limit least((select runs from share), asking.free)
    ) c
),
-- ... and of all organizations those first of which the worker owns least.
wanted as materialized (
    select organization_id, pipeline_id, priority, count(*) as runs, min(place) as place
    from (
        select *, row_number() over (order by owned + turn, n) as place from first
        where turn <= least((select runs from share), free)
    ) f
    where place <= $2
    group by organization_id, pipeline_id, priority
),
-- Locked by lane and not by id, so that claims at the same time share what is there.
pick as materialized (
    select p.organization_id, p.id from (select * from wanted order by place) w cross join lateral (
        select r.organization_id, r.id from tegu.runs r
        where r.organization_id = w.organization_id and r.pipeline_id = w.pipeline_id and r.priority = w.priority
          and r.owner is null and r.due_at <= statement_timestamp() and r.functions <@ $6::text[]
        order by r.due_at
        limit w.runs
        for no key update skip locked
    ) p
),
doomed as materialized (
    select r.organization_id, r.id from tegu.runs r
    where r.owner is null and r.due_at <= statement_timestamp() and r.cancel_requested_at is not null
    order by r.due_at
    limit $2
    for no key update skip locked
),
counts_again as (
    update tegu.organization_limits l set claims = l.claims + 1
    from (select distinct organization_id from pick) p, me
    where l.organization_id = p.organization_id
),
taken as (
    update tegu.runs r
    set owner = me.id, epoch = r.epoch + 1, status = 'running',
        started_at = coalesce(r.started_at, clock_timestamp())
    from (select * from pick union select * from doomed) p, me
    where r.organization_id = p.organization_id and r.id = p.id and r.owner is null
    returning r.organization_id, r.id, r.epoch, r.rev, r.inbox, r.version_id, r.content_id, r.thread_id, r.model,
        r.cancel_requested_at is not null as cancel_requested, coalesce(r.pinned_at, r.created_at) as created_at, r.parent_id, r.slice_stage, r.slice_from, r.slice_of,
        r.input is not null as has_input,
        r.reuse_from, r.fork_stage, extract(epoch from r.deadline_at - clock_timestamp())::float8 as deadline_in_s
),
last as (
    select organization_id, pipeline_id, priority from lanes where organizations <= 64 order by n desc limit 1
),
cut as (
    select organization_id, pipeline_id, priority from lanes where lane = 32 order by n limit 1
)
select (select runs from share) as share,
    coalesce((select max(n) < 256 and max(organizations) <= 64 from lanes), true) as is_end,
    exists (select 1 from counted where free < $2) as is_limited,
    exists (
        select 1 from counted where free > 0
        and not exists (select 1 from allowed where allowed.organization_id = counted.organization_id)
    ) as was_beaten,
    last.organization_id as last_organization_id, last.pipeline_id as last_pipeline_id, last.priority as last_priority,
    cut.organization_id as cut_organization_id, cut.pipeline_id as cut_pipeline_id, cut.priority as cut_priority,
    taken.*
from (select 1) one left join last on true left join cut on true left join taken on true
