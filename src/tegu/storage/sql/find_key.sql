-- Who came in with a key: by its hash; no row for one that was revoked or ended, or whose owner is gone or disabled.
-- $1 hash of the key
select k.organization_id, k.id, k.name, k.role, k.scopes, k.pipelines, u.role as user_role, u.email,
    coalesce(u.email, u.display_name) as user_label,
    k.used_at is null or k.used_at < clock_timestamp() - interval '1 minute' as is_stale
from tegu.api_keys k
join tegu.users u on u.organization_id = k.organization_id and u.id = k.user_id
where k.key_hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > clock_timestamp())
    and u.disabled_at is null
