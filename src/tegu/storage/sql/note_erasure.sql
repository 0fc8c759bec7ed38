-- Note what a deletion has done since the last note, and how far it is; what was asked for is forgotten in the end.
-- $1 organization, $2 erasure, $3 contents, $4 runs, $5 calls, $6 bytes, $7 whether it is erased, $8 whether it has ended
update tegu.erasures
set contents = contents + $3, runs = runs + $4, calls = calls + $5, size_bytes = size_bytes + $6,
    erased_at = case when $7 then coalesce(erased_at, clock_timestamp()) end,
    ended_at = case when $8 then coalesce(ended_at, clock_timestamp()) end,
    address = case when not $8 then address end
where organization_id = $1 and id = $2
