-- Count one try at the code of a link, and say what it should be; no row: it ended, or was tried too often.
-- $1 hash of the flow, $2 tries that it has
update tegu.sign_in_links set tries = tries + 1
where flow_hash = $1 and used_at is null and expires_at > clock_timestamp() and tries < $2
returning code_hash, token_hash
