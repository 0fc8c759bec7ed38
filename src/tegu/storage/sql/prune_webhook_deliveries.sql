-- Forget deliveries of webhooks older than $1 seconds, at most $2 at a time.
with pick as materialized (
    select organization_id, id from tegu.webhook_deliveries
    where created_at < statement_timestamp() - make_interval(secs => $1::float8)
    order by created_at
    limit $2
    for update skip locked
)
delete from tegu.webhook_deliveries d using pick where d.organization_id = pick.organization_id and d.id = pick.id
