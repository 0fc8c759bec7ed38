-- Note that a key was used just now; one that was noted within the minute is left as it is.
-- $1 organization, $2 key
update tegu.api_keys set used_at = clock_timestamp()
where organization_id = $1 and id = $2 and (used_at is null or used_at < clock_timestamp() - interval '1 minute')
