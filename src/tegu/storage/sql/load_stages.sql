-- What is known of the stages of runs that were driven before, and how often each that is not over died with its process.
-- Where a run was signalled since what its last checkpoint had heard, those that wait for what somebody may bring about are due, all of
-- them: some may have looked before the signal.
-- $1 organizations, $2 runs
select s.organization_id, s.run_id, s.stage, s.item, s.status, s.attempt, s.failures, s.crashes, s.generation, s.epoch, s.reused_from,
    s.output, w.is_wakeable, s.arrived, case when s.status = 'failed' then s.error end as failure,
    extract(epoch from s.deadline_at - clock_timestamp())::float8 as deadline_in_s,
    case when w.is_wakeable and r.inbox > r.heard then 0
        else greatest(0, extract(epoch from s.due_at - clock_timestamp()))::float8 end as due_in_s,
    case when s.status in ('pending', 'running', 'waiting') then (
        select count(*) from tegu.stage_attempts a
        where a.organization_id = s.organization_id and a.run_id = s.run_id and a.stage = s.stage and a.item = s.item
            and a.outcome = 'crashed')::int else 0 end as deaths
from unnest($1::uuid[], $2::uuid[]) t (organization_id, run_id)
join tegu.runs r on r.organization_id = t.organization_id and r.id = t.run_id
join tegu.stage_runs s on s.organization_id = t.organization_id and s.run_id = t.run_id
cross join lateral (
    select coalesce(s.status = 'waiting' and s.error ->> 'code' in ('budget_exhausted', 'waits_for_review', 'waits_for_runs',
        'waits_for_signal', 'waits_for_time'), false) as is_wakeable
) w
