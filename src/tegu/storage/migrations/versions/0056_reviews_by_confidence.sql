-- How sure whoever made a value was, kept with the review of it: what is least sure is looked at first.
--
-- Written when a review is opened and never again, so that a list in this order neither repeats nor misses a row. Unknown is null, no
-- number, and comes last. Reviews that workers of the version before open meanwhile have none.
--
-- Lists of what is open read an index of that alone; whoever looks through all of them reads the others.

set local lock_timeout = '5s'; -- whoever waits for the table makes everybody wait: rather try again

alter table tegu.reviews add column confidence float8;

update tegu.reviews v set confidence = found.confidence
from (
    select r.organization_id, r.run_id, r.stage, min(r.confidence) as confidence
    from tegu.results r
    where exists (
        select 1 from tegu.reviews open
        where open.organization_id = r.organization_id and open.run_id = r.run_id and open.about = r.stage and open.status = 'open')
    group by 1, 2, 3
) found
where v.organization_id = found.organization_id and v.run_id = found.run_id and v.about = found.stage and v.status = 'open';

create index reviews_least_sure on tegu.reviews (organization_id, coalesce(confidence, 'Infinity'), id);
create index reviews_open_least_sure on tegu.reviews (organization_id, coalesce(confidence, 'Infinity'), id) where status = 'open';
create index reviews_due on tegu.reviews (organization_id, due_at, id);
create index reviews_open_due on tegu.reviews (organization_id, due_at, id) where status = 'open';
