-- Keep the deliveries whose hooks are being called. $1 organizations, $2 runs, $3 hooks, $4 token, $5 seconds
with pick as materialized (
    select d.organization_id, d.run_id, d.hook
    from unnest($1::uuid[], $2::uuid[], $3::text[]) t (organization_id, run_id, hook)
    join tegu.hook_deliveries d using (organization_id, run_id, hook)
    where d.token = $4
    order by 1, 2, 3
    for no key update of d
)
update tegu.hook_deliveries d set due_at = clock_timestamp() + make_interval(secs => $5::float8)
from pick where d.organization_id = pick.organization_id and d.run_id = pick.run_id and d.hook = pick.hook
