-- Organizations whose usage is tallied: every one that is not deleted. One that has no mark yet gets it, before the first that it has.
with fresh as (
    insert into tegu.tally_marks (organization_id, upto, live_from, seen_at, seen_xact)
    select o.id, first.at, tegu.first_id(first.at - interval '1 hour'), first.at, 0 from tegu.organizations o, lateral (
        select date_trunc('day', least(clock_timestamp(), (
                select r.created_at from tegu.runs r where r.organization_id = o.id order by r.id limit 1), (
                select c.created_at from tegu.llm_calls c where c.organization_id = o.id order by c.id limit 1), (
                select c.created_at from tegu.contents c where c.organization_id = o.id order by c.id limit 1))
            - interval '1 day') as at) first
    where o.deleted_at is null and not exists (select 1 from tegu.tally_marks m where m.organization_id = o.id)
    on conflict do nothing
    returning organization_id
)
select id as organization_id from tegu.organizations where deleted_at is null
order by id
