-- The events of a run are numbered without a gap, up to what the run says; those pruned are missing from the front.
-- $1 how many rows
select e.organization_id, e.run_id,
    format('has %s events, from %s to %s, and says %s', count(*), min(e.seq), max(e.seq), r.last_seq) as detail
from tegu.run_events e left join tegu.runs r on r.organization_id = e.organization_id and r.id = e.run_id
group by e.organization_id, e.run_id, r.last_seq
having count(*) <> max(e.seq) - min(e.seq) + 1 or max(e.seq) is distinct from r.last_seq
limit $1
