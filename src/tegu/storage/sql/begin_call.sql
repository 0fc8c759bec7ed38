-- Write an attempt down before it is made, or find the stored reply of the same request in the journal.
-- $1 organization, $2 call, $3 run, $4 stage, $5 item, $6 generation, $7 request hash, $8 nth, $9 request body,
-- $10 provider, $11 model, $12 ordinal, $13 attempt, $14 metadata
with hit as materialized (
    select c.id, c.reply from tegu.llm_journal j
    join tegu.llm_calls c on c.organization_id = j.organization_id and c.id = j.call_id
    where j.organization_id = $1 and j.run_id = $3 and j.stage = $4 and j.item = $5 and j.generation = $6
        and j.request_hash = $7 and j.nth = $8 and c.reply is not null
),
request as (
    insert into tegu.llm_requests (organization_id, request_hash, body) values ($1, $7, $9::json)
    on conflict do nothing
),
call as (
    insert into tegu.llm_calls (organization_id, id, run_id, stage, item, provider, model, status, answered_by, ordinal,
        attempt, request_hash, latency_ms, metadata, ended_at)
    select $1, $2, $3, $4, $5, $10, $11, case when hit.id is null then 'sent' else 'completed' end,
        case when hit.id is null then 'provider' else 'journal' end, $12, $13, $7,
        case when hit.id is not null then 0 end,
        $14::jsonb || case when hit.id is null then '{}'::jsonb else jsonb_build_object('replayed_call_id', hit.id) end,
        case when hit.id is not null then clock_timestamp() end
    from (select 1) one left join hit on true
)
select hit.id, hit.reply from hit
