-- Use a link up, once, and all others of the same address; no row: it was used or ended, or never was.
-- $1 hash of the token
with same as materialized (
    select organization_id, id, token_hash from tegu.sign_in_links
    where email = (select email from tegu.sign_in_links where token_hash = $1)
        and used_at is null and expires_at > clock_timestamp()
    order by organization_id, id
    for update
),
used as (
    update tegu.sign_in_links l set used_at = clock_timestamp()
    from same where l.organization_id = same.organization_id and l.id = same.id and same.token_hash = $1
    returning l.organization_id, l.user_id, l.email
),
siblings as (
    delete from tegu.sign_in_links l using same, used
    where l.organization_id = same.organization_id and l.id = same.id and same.token_hash <> $1
)
select organization_id, user_id, email from used
