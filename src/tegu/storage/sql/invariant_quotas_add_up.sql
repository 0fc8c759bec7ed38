-- What a quota has counted is what is there: the bytes that are stored, and what the calls of this month came to.
-- $1 how many rows
(
    select q.organization_id, null::uuid as run_id,
        format('the quota has counted %s bytes, and %s are stored', q.stored_bytes, stored.size_bytes) as detail
    from tegu.quotas q cross join lateral (
        select coalesce(sum(octet_length(b.data)), 0)::bigint as size_bytes from tegu.blobs b where b.organization_id = q.organization_id
    ) stored
    where q.stored_bytes <> stored.size_bytes
    limit $1
)
union all
(
    select q.organization_id, null, format('the quota has counted %s as spent since %s, and the calls came to %s',
        m.spent_usd, m.since, total.spent_usd)
    from tegu.quotas q
    join tegu.spend_months m on m.organization_id = q.organization_id
        and m.since = date_trunc('month', statement_timestamp() at time zone 'UTC') at time zone 'UTC'
    cross join lateral (
        select coalesce(sum(coalesce(c.cost_usd, c.reserved_usd)), 0) as spent_usd from tegu.llm_calls c
        where c.organization_id = q.organization_id and c.answered_by = 'provider' and c.status <> 'sent' and c.created_at >= m.since
    ) total
    where q.spend_usd_per_month is not null and m.spent_usd <> total.spent_usd
    limit $1
)
