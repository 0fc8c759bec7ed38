-- Store a reply before anyone parses it, journal it, and settle its reservation; the first journalled reply wins and is returned.
-- $1 organization, $2 call, $3 run, $4 stage, $5 item, $6 generation, $7 request hash, $8 nth, $9 reply,
-- $10 input, $11 cached, $12 output, $13 reasoning tokens, $14 usage, $15 cost, $16 price version, $17 latency,
-- $18 finish reason, $19 metadata
-- Of a call whose content was deleted meanwhile tokens and cost are stored, and nothing that was said.
-- Of one that is gone with its organization nothing is: whoever deletes the call waits for this, or this finds no call.
-- It may be run again, even while it still runs on a connection that was cut: only who ends the call settles it.
with call as (
    update tegu.llm_calls set status = 'completed', input_tokens = $10, cached_tokens = $11,
        reply = case when not metadata ? 'erased' and (run_id is not null or not is_passing) then $9::jsonb end,
        output_tokens = $12, reasoning_tokens = $13, usage = $14::jsonb, cost_usd = $15, price_version = $16,
        latency_ms = $17, finish_reason = $18,
        metadata = case when metadata ? 'erased' then metadata else metadata || $19::jsonb end, ended_at = clock_timestamp()
    where organization_id = $1 and id = $2 and status = 'sent'
    returning created_at, coalesce($15::numeric, reserved_usd, 0) as spent_usd, coalesce(reserved_usd, 0) as held_usd,
        metadata ? 'erased' as is_erased
),
budget_window as materialized (
    select w.budget_id, w.since, call.spent_usd, call.held_usd from call join tegu.budget_windows w on w.organization_id = $1
    where (call.spent_usd <> 0 or call.held_usd <> 0) and (
        (w.since = '-infinity' and w.budget_id = (
            select coalesce(r.budget_id, r.id) from tegu.runs r where r.organization_id = $1 and r.id = $3::uuid))
        or exists (
            select 1 from tegu.budgets b
            where b.organization_id = $1 and b.id = w.budget_id
                and (b.pipeline_id is null or b.pipeline_id = (
                    select r.pipeline_id from tegu.runs r where r.organization_id = $1 and r.id = $3::uuid))
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
),
won as (
    insert into tegu.llm_journal (organization_id, run_id, stage, item, generation, request_hash, nth, call_id)
    select $1, $3, $4, $5, $6, $7, $8, $2 from call where $3::uuid is not null and not call.is_erased
    on conflict do nothing
    returning call_id
)
select c.id, c.reply from tegu.llm_journal j
join tegu.llm_calls c on c.organization_id = j.organization_id and c.id = j.call_id
where j.organization_id = $1 and j.run_id = $3 and j.stage = $4 and j.item = $5 and j.generation = $6
    and j.request_hash = $7 and j.nth = $8 and not exists (select 1 from won)
