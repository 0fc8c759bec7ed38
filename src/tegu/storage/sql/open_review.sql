-- Open a review, and tell of it: an event of the run, and every webhook that wants to hear. Nothing where there is one already, or
-- the run is no longer ours to ask for (another claim, an end).
-- $1 organization, $2 run, $3 stage, $4 item, $5 which retry of the stage, $6 epoch, $7 review, $8 instructions, $9 assignee,
-- $10 stage that made the value, $11 value, $12 schema, $13 seconds until it is due
with run as materialized (
    select r.organization_id, r.id, r.pipeline_id from tegu.runs r
    where r.organization_id = $1 and r.id = $2 and r.epoch = $6
        and r.status not in ('completed', 'failed', 'cancelled') and r.cancel_requested_at is null
    for no key update
),
opened as (
    insert into tegu.reviews (organization_id, id, run_id, stage, item, retry, instructions, assignee, about, value, schema, due_at,
        confidence)
    select $1, $7, run.id, $3, $4, $5, $8, $9, $10, $11::jsonb, $12::jsonb, clock_timestamp() + make_interval(secs => $13::float8),
        (select min(s.confidence) from tegu.results s where s.organization_id = $1 and s.run_id = $2 and s.stage = $10)
    from run
    on conflict do nothing
    returning id, run_id, due_at
),
counted as (
    update tegu.runs r set last_seq = r.last_seq + 1 from opened
    where r.organization_id = $1 and r.id = opened.run_id
    returning r.last_seq
),
event as (
    insert into tegu.run_events (organization_id, run_id, seq, kind, stage, item, data)
    select $1, opened.run_id, counted.last_seq, 'review.opened', $3, $4,
        jsonb_build_object('review_id', opened.id, 'assignee', $9::text, 'due_at', opened.due_at)
    from opened, counted
)
insert into tegu.webhook_deliveries (organization_id, id, webhook_id, event, subject, run_id, data)
select $1, tegu.new_id(), k.id, 'review.opened', opened.id::text, opened.run_id, jsonb_build_object(
    'review_id', opened.id, 'stage', $3::text, 'item', nullif($4, ''), 'assignee', $9::text, 'instructions', $8::text,
    'due_at', opened.due_at)
from opened
join run on run.id = opened.run_id
join tegu.webhooks k on k.organization_id = $1 and 'review.opened' = any (k.events)
where k.disabled_at is null and (k.pipelines is null or exists (
    select 1 from tegu.pipelines p
    where p.organization_id = $1 and p.id = run.pipeline_id and p.name = any (k.pipelines)))
on conflict do nothing
