-- Drop the rows of workers that have been dead for a day and own nothing.
delete from tegu.workers w
where w.dead_at < clock_timestamp() - interval '1 day' and not exists (select 1 from tegu.runs r where r.owner = w.id)
