-- Wake the parents of children that ended: many wakes of one parent are one signal. Parents that have ended need none.
-- $1 how many wakes at most. One row: how many wakes were taken, and how many runs woken
with taken as (
    delete from tegu.run_wakes w using (
        select organization_id, run_id, child_id from tegu.run_wakes
        order by organization_id, run_id, child_id
        limit $1
        for update skip locked
    ) t
    where w.organization_id = t.organization_id and w.run_id = t.run_id and w.child_id = t.child_id
    returning w.organization_id, w.run_id
),
parents as materialized (
    select r.organization_id, r.id from (select distinct organization_id, run_id from taken) t
    join tegu.runs r on r.organization_id = t.organization_id and r.id = t.run_id
    where r.status in ('pending', 'running', 'waiting')
    order by r.organization_id, r.id
    for no key update of r
),
woken as (
    update tegu.runs r
    set inbox = r.inbox + 1, due_at = case when r.owner is null then clock_timestamp() else r.due_at end
    from parents where r.organization_id = parents.organization_id and r.id = parents.id
        and r.status in ('pending', 'running', 'waiting')
    returning 1
)
select (select count(*) from taken)::int as wakes, (select count(*) from woken)::int as runs
