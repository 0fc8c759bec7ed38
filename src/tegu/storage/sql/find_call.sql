-- What became of an attempt whose beginning was not answered: nothing, or begun, with the reply if it was the journal's.
-- $1 organization, $2 call
select c.answered_by = 'journal' as is_replayed, journalled.reply
from tegu.llm_calls c
left join tegu.llm_calls journalled on c.answered_by = 'journal' and journalled.organization_id = c.organization_id
    and journalled.id = (c.metadata->>'replayed_call_id')::uuid
where c.organization_id = $1 and c.id = $2
