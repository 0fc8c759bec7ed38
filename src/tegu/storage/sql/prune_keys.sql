-- Forget idempotency keys older than $2 seconds, at most $3 of one organization ($1).
with old as materialized (
    select key from tegu.idempotency_keys
    where organization_id = $1 and created_at < statement_timestamp() - make_interval(secs => $2::float8)
    limit $3
),
gone as (
    delete from tegu.idempotency_keys k using old where k.organization_id = $1 and k.key = old.key returning 1
)
select (select count(*) from gone)::int as rows
