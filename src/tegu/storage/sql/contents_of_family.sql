-- Which of these contents came with what a run reads: itself, what is in it however deep, the e-mails of its thread and what is in those.
-- What an item names comes from a model as often as not, and through it from whoever wrote the text: nothing else is read for it.
-- $1 organization, $2 the run's content, $3 the run's thread, $4 contents
with recursive above as (
    select c.id, c.id as at, c.parent_id, c.thread_id, 0 as steps from tegu.contents c
    where c.organization_id = $1 and c.id = any($4::uuid[]) and c.deleted_at is null
    union all
    select above.id, p.id, p.parent_id, p.thread_id, above.steps + 1 from above
    join tegu.contents p on p.organization_id = $1 and p.id = above.parent_id
    where above.steps < 16
)
select distinct id from above where at = $2 or thread_id = $3
