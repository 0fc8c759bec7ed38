-- The organizations that have a user with this address, and what the user is there.
-- $1 e-mail in lower case
select o.id, o.name, u.id as user_id, u.role
from tegu.users u
join tegu.organizations o on o.id = u.organization_id
where lower(u.email) = $1 and u.disabled_at is null and u.kind = 'person'
order by o.name, o.id
limit 1000
