-- Which of these sessions, keys and embed tokens still let somebody in, on the terms of find_session, find_key and find_embed_token.
-- $1, $2 an organization and a session each; $3 after how many idle seconds one has ended; $4, $5 an organization and a key each;
-- $6, $7 an organization and an embed token each
select s.id
from unnest($1::uuid[], $2::uuid[]) o (organization_id, id)
join tegu.sessions s on s.organization_id = o.organization_id and s.id = o.id
join tegu.users u on u.organization_id = s.organization_id and u.id = s.user_id
where s.expires_at > clock_timestamp() and s.seen_at > clock_timestamp() - make_interval(secs => $3::float8)
    and u.disabled_at is null and u.kind = 'person'
union all
select k.id
from unnest($4::uuid[], $5::uuid[]) o (organization_id, id)
join tegu.api_keys k on k.organization_id = o.organization_id and k.id = o.id
join tegu.users u on u.organization_id = k.organization_id and u.id = k.user_id
where k.revoked_at is null and (k.expires_at is null or k.expires_at > clock_timestamp()) and u.disabled_at is null
union all
select t.id
from unnest($6::uuid[], $7::uuid[]) o (organization_id, id)
join tegu.embed_tokens t on t.organization_id = o.organization_id and t.id = o.id
left join tegu.api_keys k on t.made_by_kind = 'key' and k.organization_id = t.organization_id and k.id = t.made_by
    and k.revoked_at is null and (k.expires_at is null or k.expires_at > clock_timestamp())
left join tegu.users u on u.organization_id = t.organization_id and u.disabled_at is null
    and u.id = case t.made_by_kind when 'user' then t.made_by when 'key' then k.user_id end
where t.expires_at > clock_timestamp() and (t.made_by_kind in ('library', 'host') or u.id is not null)
