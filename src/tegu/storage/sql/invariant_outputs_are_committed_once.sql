-- A completed stage has its output and exactly one completed attempt, or none where it was copied; any other stage has neither.
-- $1 how many rows
with ended as (
    select organization_id, run_id, stage, item, count(*) as attempts from tegu.stage_attempts
    where outcome = 'completed' group by organization_id, run_id, stage, item
)
select organization_id, run_id,
    format('stage %L is %s: %s completed attempts, %s', coalesce(s.stage, a.stage), coalesce(s.status, 'unknown'),
        coalesce(a.attempts, 0), case when s.output is null then 'no output' else 'an output' end) as detail
from tegu.stage_runs s full join ended a using (organization_id, run_id, stage, item)
where (s.status = 'completed' and (s.output is null or coalesce(a.attempts, 0) <> case when s.attempt = 0 and s.reused_from is not null then 0 else 1 end))
    or (s.status is distinct from 'completed' and (s.output is not null or a.attempts is not null))
limit $1
