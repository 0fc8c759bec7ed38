-- Keep the deliveries that are being sent. $1 organizations, $2 ids, $3 token, $4 seconds
with pick as materialized (
    select d.organization_id, d.id
    from unnest($1::uuid[], $2::uuid[]) t (organization_id, id)
    join tegu.webhook_deliveries d using (organization_id, id)
    where d.token = $3
    order by 1, 2
    for no key update of d
)
update tegu.webhook_deliveries d set due_at = clock_timestamp() + make_interval(secs => $4::float8)
from pick where d.organization_id = pick.organization_id and d.id = pick.id
