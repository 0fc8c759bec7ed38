-- Make a link that signs in whoever has the address, in the organization where they were last; no row: nobody has it.
-- A hundred that ended long ago go at the same time, of whoever.
-- $1 e-mail in lower case, $2 id, $3 hash of the token, $4 hash of the flow, $5 hash of the code, $6 seconds that it is good
with ended as (
    delete from tegu.sign_in_links l using (
        select organization_id, id from tegu.sign_in_links where expires_at < clock_timestamp() - interval '1 hour'
        limit 100 for update skip locked
    ) old
    where l.organization_id = old.organization_id and l.id = old.id
)
insert into tegu.sign_in_links (organization_id, id, user_id, email, token_hash, flow_hash, code_hash, expires_at)
select u.organization_id, $2, u.id, $1, $3, $4, $5, clock_timestamp() + make_interval(secs => $6::float8)
from tegu.users u
where lower(u.email) = $1 and u.disabled_at is null and u.kind = 'person'
order by u.seen_at desc nulls last, u.created_at, u.id
limit 1
returning organization_id, user_id
