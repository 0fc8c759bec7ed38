-- What the stages of a child came to. $1 organization, $2 run, $3 stage (null: all)
select stage, item, status, output from tegu.stage_runs
where organization_id = $1 and run_id = $2 and ($3::text is null or stage = $3)
