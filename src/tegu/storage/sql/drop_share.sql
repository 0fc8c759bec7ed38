-- A process holds nothing of a limit any more. $1 organization, $2 key, $3 model, $4 process
delete from tegu.llm_limit_shares where organization_id = $1 and key = $2 and model = $3 and process_id = $4
