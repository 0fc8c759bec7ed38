-- What conditions may name besides stages. $1 organization, $2 run
select jsonb_build_object(
    'run', jsonb_build_object('id', r.id, 'triggered_by', r.triggered_by, 'metadata', r.metadata),
    'content', case when c.id is null then null else jsonb_build_object('name', c.name, 'media_type', c.media_type,
        'source_type', c.source_type, 'size_bytes', c.size_bytes, 'external_id', c.external_id,
        'metadata', c.metadata) end,
    'thread', case when t.id is null then null else jsonb_build_object('subject', t.subject) end)
from tegu.runs r
left join tegu.contents c on c.organization_id = r.organization_id and c.id = r.content_id
left join tegu.mail_threads t on t.organization_id = r.organization_id and t.id = r.thread_id
where r.organization_id = $1 and r.id = $2
