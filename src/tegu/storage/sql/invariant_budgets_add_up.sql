-- What a budget has spent and reserved is the sum over its calls: of costs or, where not known, of what was reserved for them.
-- $1 how many rows
with calls as materialized (
    select c.organization_id, coalesce(r.budget_id, r.id) as budget_id, r.pipeline_id, c.created_at,
        case when c.status = 'sent' then 0 else coalesce(c.cost_usd, c.reserved_usd) end as spent_usd,
        case when c.status = 'sent' then coalesce(c.reserved_usd, 0) else 0 end as reserved_usd
    from tegu.llm_calls c left join tegu.runs r on r.organization_id = c.organization_id and r.id = c.run_id
    where c.answered_by = 'provider' and coalesce(c.cost_usd, c.reserved_usd) <> 0
)
select w.organization_id, r.id as run_id, format('budget %s since %s has %s spent and %s reserved, and its calls %s and %s',
    w.budget_id, w.since, w.spent_usd, w.reserved_usd, total.spent_usd, total.reserved_usd) as detail
from tegu.budget_windows w
left join tegu.budgets b on b.organization_id = w.organization_id and b.id = w.budget_id
left join tegu.runs r on r.organization_id = w.organization_id and r.id = w.budget_id
left join tegu.backfills f on f.organization_id = w.organization_id and f.id = w.budget_id and not exists (
    select 1 from tegu.backfill_targets t  -- a run that was pruned has no calls to be found by
    where t.organization_id = f.organization_id and t.backfill_id = f.id and t.run_id is not null and not exists (
        select 1 from tegu.runs o where o.organization_id = t.organization_id and o.id = t.run_id))
cross join lateral (
    select coalesce(sum(c.spent_usd), 0) as spent_usd, coalesce(sum(c.reserved_usd), 0) as reserved_usd from calls c
    where c.organization_id = w.organization_id and (
        (c.budget_id = w.budget_id and b.id is null)
        or (b.id is not null and (b.pipeline_id is null or c.pipeline_id = b.pipeline_id)
            and date_trunc(b.period, c.created_at at time zone 'UTC') at time zone 'UTC' = w.since))
) total
where (b.id is not null or r.id is not null or f.id is not null)
    and (w.spent_usd, w.reserved_usd) is distinct from (total.spent_usd, total.reserved_usd)
limit $1
