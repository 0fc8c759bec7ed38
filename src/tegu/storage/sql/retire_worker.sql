-- A worker that released its runs says goodbye. $1 id
update tegu.workers set dead_at = clock_timestamp(), lease_until = clock_timestamp() where id = $1 and dead_at is null
