-- Store a reply before anyone parses it, and journal it; the first journalled reply wins and is returned.
-- $1 organization, $2 call, $3 run, $4 stage, $5 item, $6 generation, $7 request hash, $8 nth, $9 reply,
-- $10 input, $11 cached, $12 output, $13 reasoning tokens, $14 usage, $15 cost, $16 price version, $17 latency,
-- $18 finish reason, $19 metadata
with call as (
    update tegu.llm_calls set status = 'completed', reply = $9::jsonb, input_tokens = $10, cached_tokens = $11,
        output_tokens = $12, reasoning_tokens = $13, usage = $14::jsonb, cost_usd = $15, price_version = $16,
        latency_ms = $17, finish_reason = $18, metadata = metadata || $19::jsonb, ended_at = clock_timestamp()
    where organization_id = $1 and id = $2
),
won as (
    insert into tegu.llm_journal (organization_id, run_id, stage, item, generation, request_hash, nth, call_id)
    select $1, $3, $4, $5, $6, $7, $8, $2 where $3::uuid is not null
    on conflict do nothing
    returning call_id
)
select c.id, c.reply from tegu.llm_journal j
join tegu.llm_calls c on c.organization_id = j.organization_id and c.id = j.call_id
where j.organization_id = $1 and j.run_id = $3 and j.stage = $4 and j.item = $5 and j.generation = $6
    and j.request_hash = $7 and j.nth = $8 and not exists (select 1 from won)
