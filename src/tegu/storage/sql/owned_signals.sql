-- Which of my runs have something in their inbox or are to be cancelled; those not listed any more are not mine. $1 worker
select r.organization_id, r.id, r.epoch, r.inbox, r.cancel_requested_at is not null as cancel_requested
from tegu.runs r where r.owner = $1
