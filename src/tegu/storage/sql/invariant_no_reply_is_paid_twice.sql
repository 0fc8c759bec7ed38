-- No call was made for a request of a stage whose every journalled reply was stored before that call began.
-- $1 how many rows
select c.organization_id, c.run_id,
    format('stage %L paid call %s for a reply that was stored %s before', c.stage, c.id, c.created_at - w.stored_at) as detail
from tegu.llm_calls c
join lateral (
    select max(won.ended_at) as stored_at
    from tegu.llm_journal j join tegu.llm_calls won on won.organization_id = j.organization_id and won.id = j.call_id
    where j.organization_id = c.organization_id and j.run_id = c.run_id and j.stage = c.stage and j.item = c.item
        and j.request_hash = c.request_hash
) w on w.stored_at < c.created_at
where c.answered_by = 'provider' and c.status in ('completed', 'rejected')
    and not exists (
        select 1 from tegu.llm_journal mine where mine.organization_id = c.organization_id and mine.run_id = c.run_id
            and mine.stage = c.stage and mine.item = c.item and mine.call_id = c.id)
limit $1
