-- Write an attempt down before it is made, its worst case reserved in every budget; or find its stored reply in the journal.
-- $1 organization, $2 call, $3 run, $4 stage, $5 item, $6 generation, $7 request hash, $8 nth, $9 request body,
-- $10 provider, $11 model, $12 ordinal, $13 attempt, $14 metadata, $15 the most that it may cost; null where no price is known,
-- $16 whether its bodies go when its run has ended. A request body that is null is not kept.
-- A family of runs has one budget, its root's, and a backfill's runs and theirs have the backfill's, whatever the run was started with. One row. Of a run whose content was deleted, or an organization that is, nothing is begun (`is_gone`).
-- Not begun, and nothing written: `budgets` without a window, or without room (`full`: the first of them).
with hit as materialized (
    select c.id, c.reply from tegu.llm_journal j
    join tegu.llm_calls c on c.organization_id = j.organization_id and c.id = j.call_id
    where j.organization_id = $1 and j.run_id = $3 and j.stage = $4 and j.item = $5 and j.generation = $6
        and j.request_hash = $7 and j.nth = $8 and c.reply is not null
),
place as materialized (
    select r.pipeline_id, r.erased_at is not null as is_gone, coalesce(r.budget_id, r.id) as budget_id,
        case when o.id is not null then o.budget_usd when f.id is not null then f.budget_usd else r.budget_usd end as budget_usd
    from tegu.runs r left join tegu.runs o on o.organization_id = $1 and o.id = r.budget_id
    left join tegu.backfills f on f.organization_id = $1 and f.id = r.budget_id
    where r.organization_id = $1 and r.id = $3
),
budget as materialized (
    select b.id, b.limit_usd, b.period, b.allows_unpriced,
        date_trunc(b.period, statement_timestamp() at time zone 'UTC') at time zone 'UTC' as since
    from tegu.budgets b
    where b.organization_id = $1 and (b.pipeline_id is null or b.pipeline_id = (select pipeline_id from place))
        and not exists (select 1 from hit)
    union all
    select budget_id, budget_usd, 'run', false, '-infinity'::timestamptz from place
    where budget_usd is not null and not exists (select 1 from hit)
),
held as materialized (
    select budget.*, w.spent_usd, w.reserved_usd,
        coalesce(w.spent_usd + w.reserved_usd + $15::numeric <= budget.limit_usd, budget.allows_unpriced) as has_room
    from budget join tegu.budget_windows w on w.organization_id = $1 and w.budget_id = budget.id and w.since = budget.since
    order by w.budget_id, w.since
    for update of w
),
verdict as materialized (
    select b.budgets, g.is_gone, not g.is_gone and b.budgets = (select count(*) from held where has_room) as is_begun
    from (select count(*)::int as budgets from budget) b, (
        select exists (select 1 from place where is_gone)
            or exists (select 1 from tegu.organizations o where o.id = $1 and o.deleted_at is not null) as is_gone) g
),
reserved as (
    update tegu.budget_windows w set reserved_usd = w.reserved_usd + coalesce($15::numeric, 0)
    from held, verdict
    where verdict.is_begun and w.organization_id = $1 and w.budget_id = held.id and w.since = held.since
),
request as (
    insert into tegu.llm_requests (organization_id, request_hash, body)
    select $1, $7, $9::json from verdict where is_begun and $9::json is not null
    on conflict do nothing
),
call as (
    insert into tegu.llm_calls (organization_id, id, run_id, stage, item, provider, model, status, answered_by, ordinal,
        attempt, request_hash, latency_ms, metadata, reserved_usd, created_at, ended_at, is_passing,
        pipeline_id)
    select $1, $2, $3, $4, $5, $10, $11, case when hit.id is null then 'sent' else 'completed' end,
        case when hit.id is null then 'provider' else 'journal' end, $12, $13, $7,
        case when hit.id is not null then 0 end,
        $14::jsonb || case when hit.id is null then '{}'::jsonb else jsonb_build_object('replayed_call_id', hit.id) end,
        case when hit.id is null and verdict.budgets > 0 then $15::numeric end,
        statement_timestamp(), case when hit.id is not null then clock_timestamp() end,
        $16::boolean, (select pipeline_id from place)
    from verdict left join hit on true
    where verdict.is_begun
)
select hit.id, hit.reply, verdict.is_begun, verdict.is_gone, verdict.budgets, (select count(*) from held)::int as windows,
    (select jsonb_build_object('id', id, 'period', period, 'limit_usd', limit_usd, 'spent_usd', spent_usd,
        'reserved_usd', reserved_usd, 'is_shared', period = 'run' and id <> $3)
     from held where not has_room order by period desc, id limit 1) as full
from verdict left join hit on true
