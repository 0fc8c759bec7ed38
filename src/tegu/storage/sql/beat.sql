-- A worker is still alive; no row means that it is not any more, and must take a new id. $1 id, $2 lease in seconds
update tegu.workers
set beat_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(secs => $2)
where id = $1 and dead_at is null and lease_until > clock_timestamp()
returning id
