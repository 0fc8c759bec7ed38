-- Drop texts that no content has, and requests that no call has made but for erased ones, as far as they are younger than that.
-- A stage that was reading a content, or asking about it, while that was deleted, may have stored them. $1 organization, $2 since
with texts as (
    delete from tegu.texts t
    where t.organization_id = $1 and t.created_at >= $2 and not exists (
        select 1 from tegu.contents c where c.sha256 = t.sha256 and c.organization_id = $1 and c.erased_at is null and c.deleted_at is null)
    returning 1
),
requests as (
    delete from tegu.llm_requests q
    where q.organization_id = $1 and q.created_at >= $2 and not exists (
        select 1 from tegu.llm_calls c
        where c.request_hash = q.request_hash and c.organization_id = $1 and not c.metadata ? 'erased')
    returning 1
)
select ((select count(*) from texts) + (select count(*) from requests))::int as rows
