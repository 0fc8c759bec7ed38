-- Take due deliveries for the hooks that this process has, the longest due first of each hook, and the hooks in turn: what
-- one of them has waiting or under way does not keep the others waiting. Their due_at is ours until then.
-- $1 hooks, $2 how many of each, $3 how many of each are under way, $4 how many of all, $5 seconds until others may take
-- them, $6 token
with due as materialized (
    select d.organization_id, d.run_id, d.hook, d.due_at,
        k.under_way + row_number() over (partition by d.hook order by d.due_at) as turn
    from unnest($1::text[], $2::int[], $3::int[]) k (name, room, under_way) cross join lateral (
        select organization_id, run_id, hook, due_at from tegu.hook_deliveries
        where hook = k.name and due_at <= statement_timestamp() and failed_at is null
        order by due_at
        limit k.room
        for no key update skip locked
    ) d
),
pick as materialized (select organization_id, run_id, hook from due order by turn, due_at limit $4),
taken as (
    update tegu.hook_deliveries d
    set attempt = d.attempt + 1, token = $6, due_at = clock_timestamp() + make_interval(secs => $5::float8)
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
