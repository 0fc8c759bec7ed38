-- Drop request bodies older than $2 seconds that no call since has sent, at most $3 of one organization ($1).
with old as materialized (
    select q.request_hash from tegu.llm_requests q
    where q.organization_id = $1 and q.created_at < statement_timestamp() - make_interval(secs => $2::float8)
        and not exists (
            select 1 from tegu.llm_calls c
            where c.organization_id = $1 and c.request_hash = q.request_hash and (c.reply is not null or c.status = 'sent'
                or c.id >= (lpad(to_hex((extract(epoch from statement_timestamp() - make_interval(secs => $2::float8)) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid))
    limit $3
),
gone as (
    delete from tegu.llm_requests q using old
    where q.organization_id = $1 and q.request_hash = old.request_hash
    returning 1
)
select (select count(*) from gone)::int as rows
