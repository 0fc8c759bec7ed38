-- Owe a message of a stage to webhooks, each once, from this statement on. Returns to how many it is owed.
-- $1 organization, $2 run, $3 what tells it from every other message, $4 data, $5 one webhook by id or description; null: all that
-- want messages of pipelines
with wanting as materialized (
    select k.id from tegu.webhooks k
    join tegu.runs r on r.organization_id = $1 and r.id = $2
    where k.organization_id = $1 and k.disabled_at is null
        and case when $5::text is not null then $5 in (k.id::text, k.description) else 'pipeline.message' = any (k.events) end
        and (k.pipelines is null or exists (
            select 1 from tegu.pipelines p
            where p.organization_id = $1 and p.id = r.pipeline_id and p.name = any (k.pipelines)))
),
owed as (
    insert into tegu.webhook_deliveries (organization_id, id, webhook_id, event, subject, run_id, data)
    select $1, tegu.new_id(), wanting.id, 'pipeline.message', $3, $2, $4::jsonb from wanting
    on conflict do nothing
)
select count(*)::int from wanting
