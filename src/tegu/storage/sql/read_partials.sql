-- Read the replies under way of runs, those of attempts that are under way in the same snapshot.
-- $1, $2 an organization and a run each
select p.organization_id, p.run_id, p.stage, p.item, p.call, p.attempt, p.version, p.partial, p.text_length, p.is_truncated,
    p.updated_at, r.last_seq
from unnest($1::uuid[], $2::uuid[]) o (organization_id, run_id)
join tegu.stage_partials p on p.organization_id = o.organization_id and p.run_id = o.run_id
join tegu.stage_runs s on s.organization_id = p.organization_id and s.run_id = p.run_id and s.stage = p.stage
    and s.item = p.item and s.attempt = p.attempt and s.status = 'running'
join tegu.runs r on r.organization_id = p.organization_id and r.id = p.run_id and r.status = 'running'
order by 1, 2, 3, 4, 5
limit 1000
