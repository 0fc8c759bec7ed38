-- Pipeline documents by version. $1 organizations, $2 versions
select v.organization_id, v.id, v.document
from unnest($1::uuid[], $2::uuid[]) t (organization_id, id) join tegu.pipeline_versions v using (organization_id, id)
