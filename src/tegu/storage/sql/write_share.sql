-- Store what a process holds of a limit for $5 seconds; what others held whose lease has ended goes.
-- $1 organization, $2 key, $3 model, $4 process, $6 slots, $7 in flight, $8 waiting, $9 wanted, $10 requests, $11 last served
with gone as (
    delete from tegu.llm_limit_shares
    where organization_id = $1 and key = $2 and model = $3 and process_id <> $4 and held_until < clock_timestamp()
)
insert into tegu.llm_limit_shares (organization_id, key, model, process_id, slots, in_flight, waiting, wanted, requests,
    served_s, held_until)
values ($1, $2, $3, $4, $6, $7, $8, $9, $10, $11, clock_timestamp() + make_interval(secs => $5::float8))
on conflict (organization_id, key, model, process_id) do update
set slots = excluded.slots, in_flight = excluded.in_flight, waiting = excluded.waiting, wanted = excluded.wanted,
    requests = excluded.requests, served_s = excluded.served_s, held_until = excluded.held_until
