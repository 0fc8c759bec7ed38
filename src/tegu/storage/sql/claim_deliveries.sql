-- Take due deliveries for the hooks that this process has, the longest due first; their due_at is ours until then.
-- $1 hooks, $2 how many, $3 seconds until others may take them, $4 token
with pick as materialized (
    select d.organization_id, d.run_id, d.hook
    from unnest($1::text[]) k (name) cross join lateral (
        select organization_id, run_id, hook from tegu.hook_deliveries
        where hook = k.name and due_at <= statement_timestamp() and failed_at is null
        order by due_at
        limit $2
        for no key update skip locked
    ) d
    limit $2
),
taken as (
    update tegu.hook_deliveries d
    set attempt = d.attempt + 1, token = $4, due_at = clock_timestamp() + make_interval(secs => $3::float8)
    from pick
    where d.organization_id = pick.organization_id and d.run_id = pick.run_id and d.hook = pick.hook
    returning d.organization_id, d.run_id, d.hook, d.attempt
)
select t.organization_id, t.run_id, t.hook, t.attempt, o.external_id, r.status, r.ended_at, r.error, r.metadata,
    p.name as pipeline
from taken t
join tegu.runs r on r.organization_id = t.organization_id and r.id = t.run_id
join tegu.pipelines p on p.organization_id = r.organization_id and p.id = r.pipeline_id
join tegu.organizations o on o.id = t.organization_id
