-- Read the events of runs after a sequence number of each, at most $4 of each, with their pipelines.
-- $1, $2, $3 an organization, a run and a sequence number each
select e.organization_id, e.run_id, e.seq, e.kind, e.stage, e.data, e.at, e.xact, p.name as pipeline
from unnest($1::uuid[], $2::uuid[], $3::int[]) o (organization_id, run_id, seq)
cross join lateral (
    select n.organization_id, n.run_id, n.seq, n.kind, n.stage, n.data, n.at, n.xact from tegu.run_events n
    where n.organization_id = o.organization_id and n.run_id = o.run_id and n.seq > o.seq
    order by n.seq
    limit $4
) e
join tegu.runs r on r.organization_id = e.organization_id and r.id = e.run_id
join tegu.pipelines p on p.organization_id = r.organization_id and p.id = r.pipeline_id
order by e.organization_id, e.run_id, e.seq
