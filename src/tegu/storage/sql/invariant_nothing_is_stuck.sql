-- A run that has not ended has an owner, or a time from which on somebody may take it.
-- $1 how many rows
select organization_id, id as run_id, format('is %s, but nobody owns it and nobody will take it', status) as detail
from tegu.runs
where status in ('pending', 'running', 'waiting') and owner is null and due_at is null
limit $1
