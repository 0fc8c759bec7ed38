-- Take prompts and replies of calls that are kept until their run ends, where it has ended, some at a time: tokens and costs stay.
-- A reply that comes later is not stored. $1 how many calls at most. How many.
with pick as materialized (
    select c.organization_id, c.id, c.run_id, c.request_hash
    from tegu.llm_calls c left join tegu.runs r on r.organization_id = c.organization_id and r.id = c.run_id
    where c.is_passing and case
        when c.run_id is null then c.status <> 'sent' or c.created_at < clock_timestamp() - interval '1 hour'
        else r.id is null or r.status in ('completed', 'failed', 'cancelled') end
    limit $1
    for update of c skip locked
),
journal as (
    delete from tegu.llm_journal j using pick
    where j.organization_id = pick.organization_id and j.run_id = pick.run_id and j.call_id = pick.id
),
requests as (
    delete from tegu.llm_requests q using pick
    where q.organization_id = pick.organization_id and q.request_hash = pick.request_hash and not exists (
        select 1 from tegu.llm_calls other
        where other.request_hash = pick.request_hash and other.organization_id = pick.organization_id
            and not other.metadata ? 'erased' and other.id not in (select id from pick))
),
calls as (
    update tegu.llm_calls c
    set reply = null, is_passing = false, metadata = c.metadata - 'fallback' || '{"erased": true}',
        error = case when c.error is not null then jsonb_build_object('code', c.error -> 'code') end
    from pick where c.organization_id = pick.organization_id and c.id = pick.id
    returning 1
)
select count(*)::int as calls from calls
