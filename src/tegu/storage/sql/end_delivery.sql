-- A hook was called and returned: its delivery is done. $1 organization, $2 run, $3 hook, $4 token
delete from tegu.hook_deliveries
where organization_id = $1 and run_id = $2 and hook = $3 and token = $4
