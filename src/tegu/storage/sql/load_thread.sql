-- The e-mails of a thread (or of the one it was merged into), oldest first; undated ones last. $1 organization, $2 thread
with recursive home as (
    select t.id, t.merged_into, 1 as n from tegu.mail_threads t where t.organization_id = $1 and t.id = $2
    union all
    select t.id, t.merged_into, home.n + 1 from home
    join tegu.mail_threads t on t.organization_id = $1 and t.id = home.merged_into
    where home.n < 100
)
select c.*, t.subject as thread_subject
from (select id from home where merged_into is null limit 1) last
join tegu.mail_threads t on t.organization_id = $1 and t.id = last.id
join tegu.contents c on c.organization_id = $1 and c.thread_id = t.id and c.deleted_at is null
order by c.sent_at nulls last, c.created_at, c.id
limit 1000
