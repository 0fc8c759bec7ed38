-- What is known of the stages of runs that were driven before, and how often each that is not over died with its process.
-- $1 organizations, $2 runs
select s.organization_id, s.run_id, s.stage, s.item, s.status, s.attempt, s.failures, s.crashes, s.generation, s.epoch,
    s.output, coalesce(s.status = 'waiting' and s.error ->> 'code' in ('budget_exhausted', 'waits_for_review',
        'waits_for_runs', 'waits_for_signal', 'waits_for_time'), false) as is_wakeable,
    greatest(0, extract(epoch from s.due_at - clock_timestamp()))::float8 as due_in_s,
    case when s.status in ('pending', 'running', 'waiting') then (
        select count(*) from tegu.stage_attempts a
        where a.organization_id = s.organization_id and a.run_id = s.run_id and a.stage = s.stage and a.item = s.item
            and a.outcome = 'crashed')::int else 0 end as deaths
from unnest($1::uuid[], $2::uuid[]) t (organization_id, run_id)
join tegu.stage_runs s using (organization_id, run_id)
