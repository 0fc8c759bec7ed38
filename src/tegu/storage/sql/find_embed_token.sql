-- Who came in with the token of an embedded page: by its hash; no row where whoever made it lets nobody in any more.
-- $1 hash of the token
select t.organization_id, t.id, t.label, t.run_id, t.review_id, t.may, t.role, k.role as key_role, k.pipelines, u.role as user_role,
    t.made_by_kind, t.made_by, coalesce(k.name, u.email, u.display_name, t.made_by_kind) as made_by_label,
    t.expires_at <= clock_timestamp() as is_expired
from tegu.embed_tokens t
left join tegu.api_keys k on t.made_by_kind = 'key' and k.organization_id = t.organization_id and k.id = t.made_by
    and k.revoked_at is null and (k.expires_at is null or k.expires_at > clock_timestamp())
left join tegu.users u on u.organization_id = t.organization_id and u.disabled_at is null
    and u.id = case t.made_by_kind when 'user' then t.made_by when 'key' then k.user_id end
where t.token_hash = $1 and (t.made_by_kind in ('library', 'host') or u.id is not null)
