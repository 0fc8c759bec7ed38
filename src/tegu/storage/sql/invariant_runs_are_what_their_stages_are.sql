-- A completed run has no failed stage but those whose failure continues, or has a handler that completed, and items that may
-- fail; a failed run says why, a cancelled one was asked to end, a waiting one waits for a stage.
-- $1 how many rows
with counted as (
    select r.organization_id, r.id, r.status, r.error is not null as has_error,
        r.cancel_requested_at is not null as was_asked,
        count(*) filter (where r.status = 'completed' and s.status = 'failed' and s.item = '' and (
            select coalesce(v.document::jsonb -> 'stages' -> s.stage ->> 'on_failure', 'fail') as means
            from tegu.pipeline_versions v where v.organization_id = r.organization_id and v.id = r.version_id
        ) not in (
            select 'continue' union all
            select h.stage from tegu.stage_runs h
            where h.organization_id = r.organization_id and h.run_id = r.id and h.status = 'completed'
        )) as failed,
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
