-- What an organization has spent this month, from the ledger, where it is not counted yet. $1 organization
insert into tegu.spend_months (organization_id, since, spent_usd)
select $1, date_trunc('month', statement_timestamp() at time zone 'UTC') at time zone 'UTC',
    coalesce(sum(coalesce(c.cost_usd, c.reserved_usd)), 0)
from tegu.llm_calls c
where c.organization_id = $1 and c.answered_by = 'provider' and c.status <> 'sent'
    and c.created_at >= date_trunc('month', statement_timestamp() at time zone 'UTC') at time zone 'UTC'
on conflict (organization_id, since) do update set spent_usd = excluded.spent_usd
