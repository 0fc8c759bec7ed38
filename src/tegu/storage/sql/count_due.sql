-- How many due runs nobody owns, of those that a worker with these Python stages may take; of all organizations. What is
-- paused does not count; limits of organizations are not looked at.
-- $1 the Python stages, $2 how many are counted at most
select count(*)::int
from (
    select from tegu.runs r
    where r.owner is null and r.due_at <= statement_timestamp()
      and (r.cancel_requested_at is not null or (
        r.functions <@ $1::text[] and not exists (
            select 1 from tegu.pauses p
            where p.organization_id in (r.organization_id, '00000000-0000-0000-0000-000000000000')
              and p.pipeline_id in (r.pipeline_id, '00000000-0000-0000-0000-000000000000'))))
    limit $2
) due
