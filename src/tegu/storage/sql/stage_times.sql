-- When a stage began to be performed for the first time, and what time it is.
-- $1 organization, $2 run, $3 stage, $4 item
select s.started_at as began_at, clock_timestamp() as now from tegu.stage_runs s
where s.organization_id = $1 and s.run_id = $2 and s.stage = $3 and s.item = $4
