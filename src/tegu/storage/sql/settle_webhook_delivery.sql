-- What became of an attempt to deliver: it went well ($9), is tried again in $8 seconds, or (null) has failed for good. A receiver that
-- is gone ($10), or that took nothing for as long as a delivery is tried, is told nothing more.
-- $1 organization, $2 delivery, $3 token, $4 body, $5 status code, $6 answer, $7 error, $8 seconds, $9 delivered, $10 gone, $11 elapsed ms
with settled as (
    update tegu.webhook_deliveries
    set token = null, body = coalesce(body, $4), status_code = $5, answer = $6, error = $7::jsonb, elapsed_ms = $11,
        status = case when $9::boolean then 'delivered' when $8::float8 is null then 'failed' else 'pending' end,
        due_at = clock_timestamp() + make_interval(secs => coalesce($8::float8, 0)),
        ended_at = case when $9::boolean or $8::float8 is null then clock_timestamp() end
    where organization_id = $1 and id = $2 and token = $3
    returning webhook_id, status, created_at
)
update tegu.webhooks k
set failing_since = case when settled.status <> 'delivered' then coalesce(k.failing_since, clock_timestamp()) end,
    disabled_at = coalesce(k.disabled_at, case when $10::boolean
        or (settled.status = 'failed' and k.failing_since <= settled.created_at + interval '1 hour') then clock_timestamp() end),
    disabled_reason = coalesce(k.disabled_reason, case when $10::boolean then 'gone'
        when settled.status = 'failed' and k.failing_since <= settled.created_at + interval '1 hour' then 'failing' end)
from settled
where k.organization_id = $1 and k.id = settled.webhook_id
    and (k.failing_since is not null or settled.status <> 'delivered')
returning k.disabled_reason
