-- What my runs have heard: inbox, cancellation, pause; those not listed any more are not mine. $1 worker
select r.organization_id, r.id, r.epoch, r.inbox, r.cancel_requested_at is not null as cancel_requested,
    exists (
        select 1 from tegu.pauses p
        where p.organization_id in (r.organization_id, '00000000-0000-0000-0000-000000000000')
          and p.pipeline_id in (r.pipeline_id, '00000000-0000-0000-0000-000000000000')) as is_paused
from tegu.runs r where r.owner = $1
