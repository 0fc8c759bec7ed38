-- The first signal of a name that a run was sent, and that a stage may hear. $1 organization, $2 run, $3 name, $4 stage
select name, data, created_at from tegu.run_signals
where organization_id = $1 and run_id = $2 and name = $3 and (stages is null or $4::text = any (stages))
order by id limit 1
