-- Which of these runs are over, whoever drove them. $1 organizations, $2 runs
select r.organization_id, r.id
from unnest($1::uuid[], $2::uuid[]) t (organization_id, id) join tegu.runs r using (organization_id, id)
where r.status in ('completed', 'failed', 'cancelled')
