-- When a run has ended, so have all its stages.
-- $1 how many rows
select r.organization_id, r.id as run_id, format('is %s, but its stage %L is %s', r.status, s.stage, s.status) as detail
from tegu.runs r join tegu.stage_runs s on s.organization_id = r.organization_id and s.run_id = r.id
where r.status in ('completed', 'failed', 'cancelled') and s.status in ('pending', 'running', 'waiting')
limit $1
