-- Forget hooks that no process had for $1 seconds: runs are not delivered to them any more.
delete from tegu.hooks where seen_at < statement_timestamp() - make_interval(secs => $1::float8) returning name
