-- Limit how many runs of an organization are under way at once, or (null) do so no longer. $1 organization, $2 how many
with gone as (
    delete from tegu.organization_limits where organization_id = $1 and $2::int is null
)
insert into tegu.organization_limits (organization_id, runs_max) select $1, $2::int where $2::int is not null
on conflict (organization_id) do update set runs_max = excluded.runs_max, claims = organization_limits.claims + 1
