-- An attempt brought no reply; what it used is unknown unless the provider said so.
-- $1 organization, $2 call, $3 error, $4 latency, $5 input, $6 output tokens, $7 usage
update tegu.llm_calls set status = 'failed', error = $3::jsonb, latency_ms = $4, input_tokens = $5, output_tokens = $6,
    usage = $7::jsonb, ended_at = clock_timestamp()
where organization_id = $1 and id = $2
