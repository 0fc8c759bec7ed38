-- Where runs stand whose checkpoint matched nothing: was it applied before, or does another own them? $1 organizations, $2 runs
select r.organization_id, r.id, r.owner, r.epoch, r.rev, r.inbox, r.cancel_requested_at is not null as cancel_requested
from unnest($1::uuid[], $2::uuid[]) t (organization_id, id) join tegu.runs r using (organization_id, id)
