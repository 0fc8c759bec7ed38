-- A result belongs to a stage that completed.
-- $1 how many rows
select o.organization_id, o.run_id,
    format('result %L of stage %L, which is %s', o.type, o.stage, coalesce(s.status, 'unknown')) as detail
from tegu.results o
left join tegu.stage_runs s on s.organization_id = o.organization_id and s.run_id = o.run_id and s.stage = o.stage and s.item = o.item
where s.status is distinct from 'completed'
limit $1
