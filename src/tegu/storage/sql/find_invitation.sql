-- An invitation that can be accepted: by the hash of its token.
-- $1 hash of the token
select i.organization_id, i.id, i.email, i.role, o.name as organization
from tegu.invitations i
join tegu.organizations o on o.id = i.organization_id
where i.token_hash = $1 and i.accepted_at is null and i.revoked_at is null and i.expires_at > clock_timestamp()
