-- Declare workers dead whose lease ended. A transaction of its own: the sweep must see it committed. For one lease
-- after PostgreSQL itself (re)started nobody is presumed dead, because nobody could renew. $1 lease in seconds
update tegu.workers set dead_at = clock_timestamp()
where dead_at is null and lease_until < clock_timestamp()
    and pg_postmaster_start_time() < clock_timestamp() - make_interval(secs => $1)
returning id
