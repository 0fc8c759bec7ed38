-- Runs in the families of these roots that are due and that nobody owns: for a caller that drives its own runs.
-- $1 organizations, $2 roots, $3 how many at most
select r.organization_id, r.id
from unnest($1::uuid[], $2::uuid[]) t (organization_id, root_id) join tegu.runs r using (organization_id, root_id)
where r.owner is null and r.due_at <= statement_timestamp()
order by r.priority desc, r.due_at
limit $3
