-- What the journal answers with is a call that a provider answered.
-- $1 how many rows
select j.organization_id, j.run_id,
    format('stage %L replays call %s, which is %s', j.stage, j.call_id, coalesce(c.status, 'missing')) as detail
from tegu.llm_journal j left join tegu.llm_calls c on c.organization_id = j.organization_id and c.id = j.call_id
where c.status is null or c.status not in ('completed', 'rejected')
limit $1
