-- Deletions of contents that have not ended, the oldest first. $1 how many at most
select e.* from tegu.erasures e where e.ended_at is null order by e.created_at limit $1
