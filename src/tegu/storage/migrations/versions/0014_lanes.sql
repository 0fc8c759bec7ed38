-- Lanes: what is due of one organization, pipeline and priority. The claim steps from lane to lane by one index, so that what a
-- pause holds back is one step, however long it is.
--
-- A revision of its own: the one before locks the table for all for a moment, this one for writers only, and longer.

-- Built while runs cannot be written: it reads the table once. (`concurrently` waits for every older snapshot, also that of a
-- second `tegu migrate`, which waits for this one.) Workers of the version before go on claiming; without their
-- own index they sort an organization's backlog at each claim, so do not leave them long.
create index runs_lanes on tegu.runs (organization_id, pipeline_id, priority, due_at)
    where owner is null and due_at is not null;
create index runs_to_cancel on tegu.runs (due_at)
    where owner is null and due_at is not null and cancel_requested_at is not null;
-- By the text of the id, and not by the id: an index that begins with the organization looks as good as the primary key to a planner
-- that has no statistics yet, and every checkpoint would read all that is owned of the organization.
create index runs_under_way on tegu.runs ((organization_id::text)) where owner is not null;
drop index tegu.runs_claimable;
