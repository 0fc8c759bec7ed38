-- What is tallied is what the ledger says up to the mark: as many calls, and what those came to that are not late.
-- $1 how many rows
select m.organization_id, null::uuid as run_id, format('%s calls of %s USD are tallied, and the ledger has %s of %s USD', t.calls, t.cost_usd,
    c.calls, c.cost_usd) as detail
from tegu.tally_marks m
join tegu.organizations o on o.id = m.organization_id and o.deleted_at is null,
lateral (
    select coalesce(sum(calls), 0) as calls, coalesce(sum(cost_usd), 0) as cost_usd from tegu.usage_tallies
    where organization_id = m.organization_id
) t,
lateral (
    select count(*) as calls, coalesce(sum(c.cost_usd) filter (where l.call_id is null), 0) as cost_usd
    from tegu.llm_calls c left join tegu.late_calls l on l.organization_id = c.organization_id and l.call_id = c.id
    where c.organization_id = m.organization_id and c.created_at < m.upto and c.answered_by = 'provider'
) c
where t.calls <> c.calls or t.cost_usd <> c.cost_usd
limit $1
