-- Take what can be read from runs whose content is deleted: outputs, results, events' data, prompts, replies, messages of errors.
-- Statuses, times, tokens and costs stay. It may be repeated. $1 organization, $2 runs. How many calls had something.
with run as materialized (
    select id from tegu.runs where organization_id = $1 and id = any($2::uuid[]) and erased_at is not null
),
stages as (
    update tegu.stage_runs s
    set output = case when s.output is not null then 'null'::jsonb end, fingerprint = null,
        error = case when s.error is not null then jsonb_build_object('code', s.error -> 'code', 'stage', s.error -> 'stage') end
    from run where s.organization_id = $1 and s.run_id = run.id
),
attempts as (
    update tegu.stage_attempts a set error = jsonb_build_object('code', a.error -> 'code', 'stage', a.error -> 'stage') from run
    where a.organization_id = $1 and a.run_id = run.id and a.error is not null
),
results as (delete from tegu.results t using run where t.organization_id = $1 and t.run_id = run.id),
events as (
    update tegu.run_events e set data = null from run
    where e.organization_id = $1 and e.run_id = run.id and e.data is not null
),
signals as (delete from tegu.run_signals t using run where t.organization_id = $1 and t.run_id = run.id),
partials as (delete from tegu.stage_partials t using run where t.organization_id = $1 and t.run_id = run.id),
keys as (delete from tegu.idempotency_keys t using run where t.organization_id = $1 and t.run_id = run.id),
deliveries as (
    update tegu.hook_deliveries d set error = null from run
    where d.organization_id = $1 and d.run_id = run.id and d.error is not null
),
told as (
    update tegu.webhook_deliveries d
    set body = null, answer = null, data = case when d.event <> 'pipeline.message' then d.data end,
        status = case when d.event = 'pipeline.message' and d.status = 'pending' then 'failed' else d.status end,
        token = case when d.event <> 'pipeline.message' then d.token end,
        ended_at = case when d.event = 'pipeline.message' then coalesce(d.ended_at, clock_timestamp()) else d.ended_at end
    from run
    where d.run_id = run.id and d.organization_id = $1
        and (d.body is not null or d.answer is not null or d.event = 'pipeline.message' and d.data is not null)
),
reviews as (
    update tegu.reviews v set value = null, corrected = null, comment = null from run
    where v.organization_id = $1 and v.run_id = run.id
),
journal as (delete from tegu.llm_journal t using run where t.organization_id = $1 and t.run_id = run.id),
hashes as materialized (
    select distinct c.request_hash from run join tegu.llm_calls c on c.run_id = run.id and c.organization_id = $1
),
requests as (
    delete from tegu.llm_requests q using hashes
    where q.organization_id = $1 and q.request_hash = hashes.request_hash and not exists (
        select 1 from tegu.llm_calls other
        where other.request_hash = hashes.request_hash and other.organization_id = $1
            and (other.run_id is null or other.run_id <> all ($2::uuid[])) and not other.metadata ? 'erased')
),
calls as (
    update tegu.llm_calls c
    set reply = null, metadata = '{"erased": true}', is_passing = false,
        error = case when c.error is not null then jsonb_build_object('code', c.error -> 'code') end
    from run where c.organization_id = $1 and c.run_id = run.id and not (c.metadata ? 'erased' and c.reply is null)
    returning 1
)
select count(*)::int as calls from calls
