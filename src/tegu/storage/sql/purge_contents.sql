-- Take bytes, text, names and metadata of deleted contents, and what only they gave to threads and schedules; tombstones stay.
-- Bytes stay where another content of the organization has the same. $1 organization, $2 contents. How many, and their size.
with gone as materialized (
    select id, sha256, thread_id, size_bytes from tegu.contents
    where organization_id = $1 and id = any($2::uuid[]) and deleted_at is not null and erased_at is null
),
bytes as materialized (
    select distinct gone.sha256 from gone where not exists (
        select 1 from tegu.contents c
        where c.sha256 = gone.sha256 and c.organization_id = $1 and c.erased_at is null and c.deleted_at is null)
),
texts as (delete from tegu.texts t using bytes where t.organization_id = $1 and t.sha256 = bytes.sha256),
blobs as (delete from tegu.blobs b using bytes where b.organization_id = $1 and b.sha256 = bytes.sha256),
told as (delete from tegu.webhook_deliveries d where d.content_id = any($2::uuid[]) and d.organization_id = $1),
links as (
    delete from tegu.mailbox_messages l
    where l.organization_id = $1 and (l.message_id = any($2::uuid[]) or l.mailbox_id = any($2::uuid[]))
),
threads as materialized (
    select t.id, first.id is not null as is_kept, first.subject
    from (select distinct thread_id as id from gone where thread_id is not null) t
    left join lateral (
        select c.id, c.metadata ->> 'subject' as subject from tegu.contents c
        where c.organization_id = $1 and c.thread_id = t.id and c.deleted_at is null
        order by c.sent_at nulls last, c.created_at, c.id
        limit 1
    ) first on true
),
subjects as (
    update tegu.mail_threads t set subject = case when t.id = threads.id then coalesce(threads.subject, '') else '' end
    from threads
    where t.organization_id = $1 and (t.id = threads.id or t.merged_into = threads.id)
),
links_of_threads as (
    delete from tegu.mail_references r using threads
    where r.organization_id = $1 and r.thread_id = threads.id and not threads.is_kept
),
fewer as materialized (
    select s.id, (
        select coalesce(jsonb_agg(i), '[]') from jsonb_array_elements(s.spec -> 'inputs') i
        where not coalesce((i ->> 'content')::uuid = any($2::uuid[]), false)
            and not coalesce((i ->> 'thread')::uuid in (select id from threads where not is_kept), false)
    ) as inputs
    from tegu.schedules s where s.organization_id = $1
),
schedules as (
    update tegu.schedules s
    set spec = jsonb_set(s.spec, '{inputs}', fewer.inputs),
        next_at = case when fewer.inputs <> '[]' then s.next_at end,
        paused_at = case when fewer.inputs <> '[]' then s.paused_at else coalesce(s.paused_at, clock_timestamp()) end,
        last_error = case when fewer.inputs <> '[]' then s.last_error else 'what it read was deleted' end
    from fewer
    where s.organization_id = $1 and s.id = fewer.id and fewer.inputs <> s.spec -> 'inputs'
),
tombs as (
    update tegu.contents c
    set sha256 = '', name = null, metadata = '{}', external_id = null, message_id = null, mail_key = null, sent_at = null,
        erased_at = clock_timestamp()
    from gone where c.organization_id = $1 and c.id = gone.id
)
select count(*)::int as contents, coalesce(sum(size_bytes), 0)::bigint as size_bytes from gone
