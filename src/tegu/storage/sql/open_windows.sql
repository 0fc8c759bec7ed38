-- Open the windows that a call needs and that are not there, from what the ledger says of them so far.
-- $1 organization, $2 run
with place as materialized (
    select r.pipeline_id, coalesce(r.budget_id, r.id) as budget_id,
        case when o.id is not null then o.budget_usd when f.id is not null then f.budget_usd else r.budget_usd end as budget_usd
    from tegu.runs r left join tegu.runs o on o.organization_id = $1 and o.id = r.budget_id
    left join tegu.backfills f on f.organization_id = $1 and f.id = r.budget_id
    where r.organization_id = $1 and r.id = $2
),
budget as (
    select b.id, b.pipeline_id, null::uuid as run_id,
        date_trunc(b.period, statement_timestamp() at time zone 'UTC') at time zone 'UTC' as since
    from tegu.budgets b
    where b.organization_id = $1 and (b.pipeline_id is null or b.pipeline_id = (select pipeline_id from place))
    union all
    select budget_id, null, budget_id, '-infinity'::timestamptz from place where budget_usd is not null
)
insert into tegu.budget_windows (organization_id, budget_id, since, spent_usd, reserved_usd)
select $1, b.id, b.since, total.spent_usd, total.reserved_usd
from budget b cross join lateral (
    select coalesce(sum(coalesce(c.cost_usd, c.reserved_usd)) filter (where c.status <> 'sent'), 0) as spent_usd,
        coalesce(sum(c.reserved_usd) filter (where c.status = 'sent'), 0) as reserved_usd
    from tegu.llm_calls c
    where c.organization_id = $1 and c.answered_by = 'provider'
        and (b.run_id is null or c.run_id = b.run_id or exists (
            select 1 from tegu.runs r where r.organization_id = $1 and r.id = c.run_id and r.budget_id = b.run_id))
        and (b.run_id is not null or c.created_at >= b.since)
        and (b.pipeline_id is null or exists (
            select 1 from tegu.runs r where r.organization_id = $1 and r.id = c.run_id and r.pipeline_id = b.pipeline_id))
) total
on conflict do nothing
