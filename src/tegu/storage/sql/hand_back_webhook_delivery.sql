-- A delivery was not tried to its end: others may take it now, and this attempt does not count. $1 organization, $2 delivery, $3 token
update tegu.webhook_deliveries set token = null, due_at = clock_timestamp(), attempt = attempt - 1
where organization_id = $1 and id = $2 and token = $3
