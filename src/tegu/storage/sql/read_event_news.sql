-- Read the events that were not visible in an organization's snapshot, in the order of their transactions, with their pipelines.
-- Of those after its end the newest $5, so that whoever is far behind costs no more.
-- $1, $2 an organization each, and the end of its snapshot; $3, $4 an organization each, and a transaction under way in it
with news as (
    select e.* from unnest($1::uuid[], $2::bigint[]) o (organization_id, xmax)
    cross join lateral (
        select n.organization_id, n.run_id, n.seq, n.kind, n.stage, n.data, n.at, n.xact from tegu.run_events n
        where n.organization_id = o.organization_id and n.xact >= o.xmax
        order by n.xact desc
        limit $5
    ) e
    union all
    select e.organization_id, e.run_id, e.seq, e.kind, e.stage, e.data, e.at, e.xact
    from unnest($3::uuid[], $4::bigint[]) o (organization_id, xact)
    join tegu.run_events e on e.organization_id = o.organization_id and e.xact = o.xact
)
select n.organization_id, n.run_id, n.seq, n.kind, n.stage, n.data, n.at, n.xact, p.name as pipeline
from news n
join tegu.runs r on r.organization_id = n.organization_id and r.id = n.run_id
join tegu.pipelines p on p.organization_id = r.organization_id and p.id = r.pipeline_id
order by n.organization_id, n.xact, n.run_id, n.seq
