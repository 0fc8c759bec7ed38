-- Sign a webhook's deliveries with a new secret, and with the one before for a while. $1 organization, $2 webhook, $3 secret, $4 seconds
update tegu.webhooks
set secret = $3, old_secret = case when $4::float8 > 0 then secret end,
    old_secret_until = case when $4::float8 > 0 then clock_timestamp() + make_interval(secs => $4::float8) end
where organization_id = $1 and id = $2
returning id
