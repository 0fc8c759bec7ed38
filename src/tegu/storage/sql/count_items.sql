-- How many items of these slices have ended, and how many failed. $1 organization, $2 runs, $3 stage
select count(*) filter (where status in ('completed', 'failed', 'skipped', 'cancelled'))::int as ended,
    count(*) filter (where status = 'failed')::int as failed
from tegu.stage_runs where organization_id = $1 and run_id = any($2::uuid[]) and stage = $3
