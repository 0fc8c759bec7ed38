-- What processes hold of a limit whose lease has not ended. $1 organization, $2 key, $3 model
select process_id, slots, in_flight, waiting, wanted, requests, served_s
from tegu.llm_limit_shares
where organization_id = $1 and key = $2 and model = $3 and held_until > clock_timestamp()
