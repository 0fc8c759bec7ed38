-- A review is open only while its run is: those of an ended run are withdrawn within minutes.
-- $1 how many rows
select v.organization_id, v.run_id, format('has ended, and its review %s is open', v.id) as detail
from tegu.reviews v join tegu.runs r on r.organization_id = v.organization_id and r.id = v.run_id
where v.status = 'open' and r.ended_at < statement_timestamp() - interval '5 minutes'
limit $1
