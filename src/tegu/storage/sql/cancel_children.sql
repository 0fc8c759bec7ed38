-- Ask children to end whose parent, or whose stage, has ended: some of them, so that nobody waits; what is then left of a request stays.
-- $1 how many requests, $2 how many children at most. One row: how many requests are done with, and how many children were asked
with asked as materialized (
    select * from tegu.child_cancels order by organization_id, id limit $1 for update skip locked
),
live as materialized (
    select r.organization_id, r.id from asked a
    join tegu.runs r on r.organization_id = a.organization_id and r.parent_id = a.run_id
    where (a.stage = '' or r.parent_stage = a.stage) and (a.item = '' or split_part(r.parent_item, ':', 1) = a.item)
        and r.parent_try < a.upto_try and r.cancel_requested_at is null and r.status in ('pending', 'running', 'waiting')
    limit $2
),
held as materialized (
    select r.organization_id, r.id from (select distinct organization_id, id from live) l
    join tegu.runs r on r.organization_id = l.organization_id and r.id = l.id
    order by r.organization_id, r.id
    for no key update of r
),
cancelled as (
    update tegu.runs r
    set cancel_requested_at = coalesce(r.cancel_requested_at, clock_timestamp()), inbox = r.inbox + 1,
        due_at = case when r.owner is null then clock_timestamp() else r.due_at end
    from held
    where r.organization_id = held.organization_id and r.id = held.id and r.status in ('pending', 'running', 'waiting')
    returning 1
),
done as (
    delete from tegu.child_cancels c using asked a
    where c.organization_id = a.organization_id and c.id = a.id and (select count(*) from live) < $2
    returning 1
)
select (select count(*) from done)::int as requests, (select count(*) from cancelled)::int as runs
