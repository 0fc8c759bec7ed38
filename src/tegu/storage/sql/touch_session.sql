-- Note that a session was used just now, and its user seen; one that was noted within the minute is left as it is.
-- $1 organization, $2 session
with touched as (
    update tegu.sessions set seen_at = clock_timestamp()
    where organization_id = $1 and id = $2 and seen_at < clock_timestamp() - interval '1 minute'
    returning organization_id, user_id
)
update tegu.users u set seen_at = clock_timestamp()
from touched t where u.organization_id = t.organization_id and u.id = t.user_id
