-- Forget deliveries older than $1 seconds that nobody fetched or that failed, at most $2 at a time.
with pick as materialized (
    select organization_id, run_id, hook from tegu.hook_deliveries
    where created_at < statement_timestamp() - make_interval(secs => $1::float8)
    order by created_at
    limit $2
    for update skip locked
)
delete from tegu.hook_deliveries d using pick
where d.organization_id = pick.organization_id and d.run_id = pick.run_id and d.hook = pick.hook
returning d.hook, d.failed_at is null as was_waiting
