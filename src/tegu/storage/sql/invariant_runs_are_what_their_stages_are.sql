-- A completed run has no failed stage, a failed one says why, a cancelled one was asked to end, a waiting one waits for a stage.
-- $1 how many rows
with counted as (
    select r.organization_id, r.id, r.status, r.error is not null as has_error,
        r.cancel_requested_at is not null as was_asked,
        count(*) filter (where s.status = 'failed') as failed,
        count(*) filter (where s.status = 'waiting') as waiting
    from tegu.runs r left join tegu.stage_runs s on s.organization_id = r.organization_id and s.run_id = r.id
    where r.status in ('completed', 'failed', 'cancelled', 'waiting')
    group by r.organization_id, r.id
)
select organization_id, id as run_id, case status
        when 'completed' then format('is completed, but %s of its stages failed', failed)
        when 'failed' then 'is failed, but has no error'
        when 'cancelled' then 'is cancelled, but nobody asked for it'
        else 'is waiting, but none of its stages waits' end as detail
from counted
where (status = 'completed' and failed > 0)
    or (status = 'failed' and not has_error)
    or (status = 'cancelled' and not was_asked)
    or (status = 'waiting' and waiting = 0)
limit $1
