-- An attempt brought no reply; what it used is unknown unless the provider said so. One that was not billed gives its reservation back.
-- It may be run again, even while it still runs on a connection that was cut: only who ends the call settles it.
-- $1 organization, $2 call, $3 error, $4 latency, $5 input, $6 output tokens, $7 usage, $8 run, $9 whether it may be billed
with before as materialized (
    select created_at, case when $9::boolean then coalesce(reserved_usd, 0) else 0 end as spent_usd, coalesce(reserved_usd, 0) as held_usd
    from tegu.llm_calls where organization_id = $1 and id = $2 and status = 'sent'
    for update
),
call as (
    update tegu.llm_calls c set status = 'failed',
        error = case when c.metadata ? 'erased' then jsonb_build_object('code', $3::jsonb -> 'code') else $3::jsonb end, latency_ms = $4, input_tokens = $5, output_tokens = $6,
        usage = $7::jsonb, ended_at = clock_timestamp(),
        reserved_usd = case when $9::boolean then c.reserved_usd when c.reserved_usd is not null then 0 end
    from before
    where c.organization_id = $1 and c.id = $2
    returning before.created_at, before.spent_usd, before.held_usd
),
budget_window as materialized (
    select w.budget_id, w.since, call.spent_usd, call.held_usd from call join tegu.budget_windows w on w.organization_id = $1
    where (call.spent_usd <> 0 or call.held_usd <> 0) and (
        (w.since = '-infinity' and w.budget_id = (
            select coalesce(r.budget_id, r.id) from tegu.runs r where r.organization_id = $1 and r.id = $8::uuid))
        or exists (
            select 1 from tegu.budgets b
            where b.organization_id = $1 and b.id = w.budget_id
                and (b.pipeline_id is null or b.pipeline_id = (
                    select r.pipeline_id from tegu.runs r where r.organization_id = $1 and r.id = $8::uuid))
                and w.since = date_trunc(b.period, call.created_at at time zone 'UTC') at time zone 'UTC'))
    order by w.budget_id, w.since
    for update of w
),
settled as (
    update tegu.budget_windows w set spent_usd = w.spent_usd + budget_window.spent_usd,
        reserved_usd = w.reserved_usd - budget_window.held_usd
    from budget_window
    where w.organization_id = $1 and w.budget_id = budget_window.budget_id and w.since = budget_window.since
),
metered as (
    insert into tegu.spend_months as m (organization_id, since, spent_usd)
    select $1, date_trunc('month', call.created_at at time zone 'UTC') at time zone 'UTC', call.spent_usd from call
    where call.spent_usd <> 0 and exists (
        select 1 from tegu.quotas q where q.organization_id = $1 and q.spend_usd_per_month is not null)
    on conflict (organization_id, since) do update set spent_usd = m.spent_usd + excluded.spent_usd
)
select count(*)::int from call
