-- Which of these sessions and keys still let somebody in, on the terms of find_session and find_key.
-- $1, $2 an organization and a session each; $3 after how many idle seconds one has ended; $4, $5 an organization and a key each
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
