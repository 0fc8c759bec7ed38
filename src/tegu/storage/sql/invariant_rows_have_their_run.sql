-- What belongs to a run has its run.
-- $1 how many rows
select organization_id, run_id, format('%s rows of %s, but no such run', count(*), noun) as detail
from (
    select organization_id, run_id, 'stage_runs' as noun from tegu.stage_runs
    union all select organization_id, run_id, 'stage_attempts' from tegu.stage_attempts
    union all select organization_id, run_id, 'results' from tegu.results
    union all select organization_id, run_id, 'run_events' from tegu.run_events
    union all select organization_id, run_id, 'llm_journal' from tegu.llm_journal
    union all select organization_id, run_id, 'reviews' from tegu.reviews
) part
where not exists (select 1 from tegu.runs r where r.organization_id = part.organization_id and r.id = part.run_id)
group by organization_id, run_id, noun
limit $1
