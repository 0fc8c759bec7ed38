-- Take due runs that nobody owns, fairly across the organizations after $3 (64 are looked at); never for a worker that
-- is not alive. One row even if nothing was taken: how far it looked, and the most that one organization was given.
-- $1 worker, $2 how many, $3 organization to start after, $4 the Python stages that the worker has
-- A cancelled run may be taken by any worker: ending it needs no stage. The time is the statement's, which an index can use.
with recursive me as materialized (
    select id from tegu.workers where id = $1 and dead_at is null and lease_until > clock_timestamp() for key share
),
orgs as (
    (select organization_id, 1 as n from tegu.runs
     where owner is null and due_at is not null and organization_id > $3
     order by organization_id limit 1)
    union all
    select next.organization_id, orgs.n + 1
    from orgs cross join lateral (
        select r.organization_id from tegu.runs r
        where r.owner is null and r.due_at is not null and r.organization_id > orgs.organization_id
        order by r.organization_id limit 1
    ) next
    where orgs.n < 64
),
due as materialized (
    select organization_id from orgs
    where exists (
        select 1 from tegu.runs r
        where r.organization_id = orgs.organization_id and r.owner is null and r.due_at <= statement_timestamp()
          and (r.functions <@ $4::text[] or r.cancel_requested_at is not null))
),
share as materialized (
    select greatest(1, $2 / greatest(1, count(*)))::int as runs from due
),
pick as materialized (
    select p.* from due cross join lateral (
        select r.organization_id, r.id from tegu.runs r
        where r.organization_id = due.organization_id and r.owner is null and r.due_at <= statement_timestamp()
          and (r.functions <@ $4::text[] or r.cancel_requested_at is not null)
        order by r.due_at
        limit (select runs from share)
        for no key update skip locked
    ) p
    limit $2
),
taken as (
    update tegu.runs r
    set owner = me.id, epoch = r.epoch + 1, status = 'running',
        started_at = coalesce(r.started_at, clock_timestamp())
    from pick, me
    where r.organization_id = pick.organization_id and r.id = pick.id and r.owner is null
    returning r.organization_id, r.id, r.epoch, r.rev, r.inbox, r.version_id, r.content_id, r.thread_id, r.model,
        r.cancel_requested_at is not null as cancel_requested, r.created_at
)
select (select runs from share) as share, (select count(*) from orgs)::int as looked_at,
    (select organization_id from orgs order by n desc limit 1) as looked_until, taken.*
from (select 1) one left join taken on true
