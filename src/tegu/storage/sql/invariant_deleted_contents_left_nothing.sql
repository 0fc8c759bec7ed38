-- Of a content that is deleted there is no name, no text and no bytes, and nothing readable of its runs.
-- $1 how many rows
select r.organization_id, r.id as run_id, 'its content is deleted, and something readable is left of it' as detail
from tegu.runs r
where r.erased_at is not null and (
    r.metadata <> '{}' or r.edits is not null or r.input is not null
    or exists (select 1 from tegu.results t where t.organization_id = r.organization_id and t.run_id = r.id)
    or exists (
        select 1 from tegu.stage_runs s
        where s.organization_id = r.organization_id and s.run_id = r.id and s.output <> 'null'::jsonb)
    or exists (
        select 1 from tegu.run_events e
        where e.organization_id = r.organization_id and e.run_id = r.id and e.data is not null)
    or exists (
        select 1 from tegu.reviews v
        where v.organization_id = r.organization_id and v.run_id = r.id and num_nonnulls(v.value, v.corrected, v.comment) > 0)
    or exists (select 1 from tegu.llm_calls c where c.run_id = r.id and c.organization_id = r.organization_id and c.reply is not null))
union all
select c.organization_id, null, format('content %s is deleted, and has a name or metadata', c.id)
from tegu.contents c
where c.erased_at is not null
    and (c.sha256 <> '' or c.metadata <> '{}' or num_nonnulls(c.name, c.external_id, c.message_id, c.mail_key) > 0)
union all
select t.organization_id, null, format('the text %s is of no content', t.sha256) from tegu.texts t
where not exists (
    select 1 from tegu.contents c where c.sha256 = t.sha256 and c.organization_id = t.organization_id and c.erased_at is null)
limit $1
