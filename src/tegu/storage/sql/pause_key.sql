-- Pause the other models of a key, which are locked already. $1 organization, $2 key, $3 model, $4 until, $5 why
update tegu.llm_limits
set state = state || jsonb_build_object('paused_until_s', $4::float8, 'paused_why', $5::text)
where organization_id = $1 and key = $2 and model <> $3 and (state ->> 'paused_until_s')::float8 < $4::float8
