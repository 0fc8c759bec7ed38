-- Drop the bodies of calls that ended $2 seconds ago and whose run, if any, ended then too; tokens and costs stay.
-- $1 organization, $3 the call looked at last, $4 how many calls. Returns how many bodies went, and the call looked at last.
with looked as materialized (
    select id, run_id, reply is not null as has_body from tegu.llm_calls
    where organization_id = $1 and id > $3
        and id < (lpad(to_hex((extract(epoch from statement_timestamp() - make_interval(secs => $2::float8)) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
    order by id limit $4
),
old as materialized (
    select looked.id, looked.run_id from looked
    where has_body and not exists (
        select 1 from tegu.runs r where r.organization_id = $1 and r.id = looked.run_id
            and (r.ended_at is null or r.ended_at >= statement_timestamp() - make_interval(secs => $2::float8)))
),
journal as (
    delete from tegu.llm_journal j using old
    where j.organization_id = $1 and j.run_id = old.run_id and j.call_id = old.id
),
gone as (
    update tegu.llm_calls c set reply = null, metadata = c.metadata || '{"pruned": true}' from old
    where c.organization_id = $1 and c.id = old.id
    returning 1
)
select (select count(*) from gone)::int as rows, (select id from looked order by id desc limit 1) as upto
