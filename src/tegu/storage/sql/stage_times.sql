-- When a stage began for the first time (its row says when it began last), and what time it is.
-- $1 organization, $2 run, $3 stage, $4 item
select e.at as began_at, clock_timestamp() as now from tegu.run_events e
where e.organization_id = $1 and e.run_id = $2 and e.kind = 'stage.started' and e.stage = $3 and e.item = $4
order by e.seq limit 1
