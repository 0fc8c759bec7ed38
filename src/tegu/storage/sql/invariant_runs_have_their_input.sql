-- A run has its pipeline version and its input, in its own organization.
-- $1 how many rows
select r.organization_id, r.id as run_id,
    case when v.id is null then format('its pipeline version %s is missing', r.version_id)
        else format('its input %s is missing', coalesce(r.content_id, r.thread_id)) end as detail
from tegu.runs r
left join tegu.pipeline_versions v on v.organization_id = r.organization_id and v.id = r.version_id
left join tegu.contents c on c.organization_id = r.organization_id and c.id = r.content_id
left join tegu.mail_threads t on t.organization_id = r.organization_id and t.id = r.thread_id
where v.id is null or (c.id is null and t.id is null)
limit $1
