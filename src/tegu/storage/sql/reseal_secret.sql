-- Put what was sealed anew in the place of what was sealed before, unless that was changed meanwhile.
-- $1 organization, $2 row, $3 as it was sealed before, $4 as it is sealed now
with keys as (
    update tegu.provider_keys set sealed = $4 where organization_id = $1 and id = $2 and sealed = $3
),
credentials as (
    update tegu.http_credentials set sealed = $4 where organization_id = $1 and id = $2 and sealed = $3
)
update tegu.webhooks
set secret = case when secret = $3 then $4 else secret end, old_secret = case when old_secret = $3 then $4 else old_secret end
where organization_id = $1 and id = $2 and $3 in (secret, old_secret)
