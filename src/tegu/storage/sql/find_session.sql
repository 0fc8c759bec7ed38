-- Who came in with a session: by the hash of its token; no row for one that ended, or whose user is gone or disabled.
-- $1 hash of the token, $2 after how many idle seconds it has ended
select s.organization_id, s.id, s.user_id, s.seen_at < clock_timestamp() - interval '1 minute' as is_stale,
    u.email, u.role, s.seen_as
from tegu.sessions s
join tegu.users u on u.organization_id = s.organization_id and u.id = s.user_id
where s.token_hash = $1 and s.expires_at > clock_timestamp()
    and s.seen_at > clock_timestamp() - make_interval(secs => $2::float8)
    and u.disabled_at is null and u.kind = 'person'
