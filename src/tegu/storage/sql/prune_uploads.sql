-- Forget uploads that have expired, with what came of them, at most $2 of one organization ($1).
with old as materialized (
    select id from tegu.uploads
    where organization_id = $1 and expires_at < statement_timestamp()
    limit $2
),
gone as (
    delete from tegu.uploads u using old where u.organization_id = $1 and u.id = old.id returning 1
)
select (select count(*) from gone)::int as rows
