-- Store a limit. $1 organization, $2 key, $3 model, $4 state
update tegu.llm_limits set state = $4::jsonb, visited_at = clock_timestamp()
where organization_id = $1 and key = $2 and model = $3
