-- Runs over contents that are deleted, of which something is left, and over the threads that those belong to.
-- Of a family of runs all, where one of them read such a content: what it came to is passed on to the others.
-- A fork has what its base came to, and a child what its parent had read: both are of their time (`pinned_at`).
-- A run over a thread that was started after the deletion reads what is left of the thread, and is not meant.
-- $1 organization, $2 since when contents that are erased already are looked at again, $3 how many at most
with recursive gone as materialized (
    select c.id, c.thread_id, c.deleted_at from tegu.contents c
    where c.organization_id = $1 and c.deleted_at is not null and c.erased_at is null
    union all
    select c.id, c.thread_id, c.deleted_at from tegu.contents c where c.erased_at >= $2 and c.organization_id = $1
),
threads (id, deleted_at) as (
    select thread_id, max(deleted_at) from gone where thread_id is not null group by thread_id
    union
    select t.id, threads.deleted_at from threads join tegu.mail_threads t on t.merged_into = threads.id and t.organization_id = $1
),
roots (id) as (
    select coalesce(r.root_id, r.id) from gone join tegu.runs r on r.content_id = gone.id and r.organization_id = $1
    union
    select coalesce(r.root_id, r.id) from threads join tegu.runs r on r.thread_id = threads.id and r.organization_id = $1
    where coalesce(r.pinned_at, r.created_at) < threads.deleted_at + interval '5 seconds'
    union
    select coalesce(f.root_id, f.id) from roots join tegu.runs f on f.forked_from = roots.id and f.organization_id = $1
)
(
    select r.id from gone join tegu.runs r on r.content_id = gone.id and r.organization_id = $1
    where r.erased_at is null
    limit $3
)
union
(
    select r.id from threads join tegu.runs r on r.thread_id = threads.id and r.organization_id = $1
    where r.erased_at is null and coalesce(r.pinned_at, r.created_at) < threads.deleted_at + interval '5 seconds'
    limit $3
)
union
(
    select r.id from roots join tegu.runs r on r.id = roots.id and r.organization_id = $1
    where r.erased_at is null
    limit $3
)
union
(
    select r.id from roots join tegu.runs r on r.root_id = roots.id and r.organization_id = $1
    where r.erased_at is null
    limit $3
)
limit $3
