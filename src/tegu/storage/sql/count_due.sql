-- How many due runs nobody owns, of those that a worker with these Python stages may take; of all organizations.
-- $1 the Python stages, $2 how many are counted at most
select count(*)::int
from (
    select from tegu.runs
    where owner is null and due_at <= statement_timestamp()
        and (functions <@ $1::text[] or cancel_requested_at is not null)
    limit $2
) due
