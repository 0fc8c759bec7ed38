-- A worker begins to live. $1 id, $2 host, $3 pid, $4 version, $5 concurrency, $6 Python stages, $7 lease in seconds, $8 whether it drives everybody's runs
insert into tegu.workers (id, host, pid, version, concurrency, functions, lease_until, drives_all)
values ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7), $8)
