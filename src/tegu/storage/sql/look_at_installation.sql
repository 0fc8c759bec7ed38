-- How many runs are due, wait and are owned, and what is under way in the owned ones: of all organizations, in one row, counting
-- to $1 at most. Reads what the two partial indexes of unfinished runs point to, and never a finished one.
-- $1 how many rows of each kind are looked at
with recursive claimable as materialized (
    select status, due_at <= statement_timestamp() as is_due, cancel_requested_at is not null as is_cancelled
    from tegu.runs where owner is null and due_at is not null
    limit $1
),
oldest as ((
    select organization_id, pipeline_id, priority, due_at, 1 as n from tegu.runs
    where owner is null and due_at is not null
    order by organization_id, pipeline_id, priority, due_at limit 1)
    union all
    select next.organization_id, next.pipeline_id, next.priority, next.due_at, oldest.n + 1
    from oldest cross join lateral (
        select r.organization_id, r.pipeline_id, r.priority, r.due_at from tegu.runs r
        where r.owner is null and r.due_at is not null and (r.organization_id, r.pipeline_id, r.priority) > (
            oldest.organization_id, oldest.pipeline_id, oldest.priority)
        order by r.organization_id, r.pipeline_id, r.priority, r.due_at limit 1
    ) next
    where oldest.n < 1000
),
owned as materialized (
    select organization_id, id, owner from tegu.runs where owner is not null limit $1
),
stages as materialized (
    select s.status from owned
    cross join lateral (
        select s.status from tegu.stage_runs s
        where s.organization_id = owned.organization_id and s.run_id = owned.id
    ) s
    limit $1
),
calls as materialized (
    select c.status from owned
    cross join lateral (
        select c.status from tegu.llm_calls c
        where c.organization_id = owned.organization_id and c.run_id = owned.id
    ) c
    limit $1
)
select
    clock_timestamp() as at, c.*, o.*,
    (select extract(epoch from clock_timestamp() - min(due_at))::float8 from oldest
     where due_at <= statement_timestamp()) as oldest_due_s,
    (select extract(epoch from clock_timestamp() - min(beat_at))::float8 from tegu.workers
     where dead_at is null and lease_until > clock_timestamp()) as oldest_beat_s,
    (select count(*) from stages where status = 'running')::int as stages,
    (select count(*) from calls where status = 'sent')::int as calls,
    (select count(*) = $1 from stages) or (select count(*) = $1 from calls)
        or c.looked_at = $1 or o.owned = $1 as is_capped
from (
    select count(*)::int as looked_at,
        count(*) filter (where is_due)::int as due,
        count(*) filter (where is_due and is_cancelled)::int as cancelling,
        count(*) filter (where not is_due and status = 'waiting')::int as waiting,
        count(*) filter (where not is_due and status <> 'waiting')::int as scheduled
    from claimable
) c cross join (
    select count(*)::int as owned,
        count(*) filter (where not exists (
            select 1 from tegu.workers w
            where w.id = owned.owner and w.dead_at is null and w.lease_until > clock_timestamp()))::int as stranded
    from owned
) o
