-- What runs were given beside their content. $1 organizations, $2 runs
select r.organization_id, r.id, r.input
from unnest($1::uuid[], $2::uuid[]) t (organization_id, id) join tegu.runs r using (organization_id, id)
where r.input is not null
