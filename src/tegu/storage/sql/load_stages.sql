-- What is known of the stages of runs that were driven before. $1 organizations, $2 runs
select s.organization_id, s.run_id, s.stage, s.item, s.status, s.attempt, s.failures, s.crashes, s.generation, s.epoch,
    s.output, greatest(0, extract(epoch from s.due_at - clock_timestamp()))::float8 as due_in_s
from unnest($1::uuid[], $2::uuid[]) t (organization_id, run_id)
join tegu.stage_runs s using (organization_id, run_id)
