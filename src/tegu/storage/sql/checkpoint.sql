-- Store what happened in many runs at once, each fenced by (owner, epoch, rev); a run that does not match is not touched.
-- The owner is compared so that no index serves it: the runs are found by key, not among all that the worker ever owned.
-- A stage that waits for what somebody may bring about is due at once where its run was signalled meanwhile.
-- `stage#item`, in attempts, results and events, is an item of a slice. What a run's end means for its family is appended to tables of their own (0026_children.sql).
-- $1 worker; $2-$10 a run each; $11-$23 and $44-$46 a stage run each; $24-$29 an ended attempt each; $30-$38 a result each; $39-$43 an event each
with r as materialized (
    select * from unnest($2::uuid[], $3::uuid[], $4::int[], $5::int[], $6::text[], $7::int[], $8::float8[], $9::int[], $10::text[])
        with ordinality t (organization_id, id, epoch, rev, status, events, due_in_s, inbox, error, i)
),
l as materialized (
    select r.* from r join tegu.runs q on q.organization_id = r.organization_id and q.id = r.id
    where q.owner is not distinct from $1 and q.epoch = r.epoch and q.rev = r.rev
    order by q.organization_id, q.id
    for no key update of q
),
f as (
    update tegu.runs q
    set rev = q.rev + 1,
        heard = l.inbox,
        last_seq = q.last_seq + l.events,
        status = l.status,
        error = coalesce(q.error, l.error::jsonb),
        owner = case when l.status = 'running' then q.owner end,
        due_at = case
            when l.status = 'running' then q.due_at
            when l.status in ('completed', 'failed', 'cancelled') then null
            when q.inbox > l.inbox then clock_timestamp()
            else clock_timestamp() + make_interval(secs => l.due_in_s) end,
        ended_at = case when l.status in ('completed', 'failed', 'cancelled') then clock_timestamp() end
    from l
    where q.organization_id = l.organization_id and q.id = l.id
        and q.owner is not distinct from $1 and q.epoch = l.epoch and q.rev = l.rev
    returning q.organization_id, q.id, q.epoch, l.i, q.last_seq - l.events as seq, q.cancel_requested_at, q.inbox,
        q.pipeline_id, q.status, q.inbox > l.inbox as is_signalled, q.parent_id, q.has_children
),
s as (
    insert into tegu.stage_runs as sr (organization_id, run_id, stage, item, status, attempt, failures, crashes,
        generation, epoch, due_at, model, fingerprint, output, error, reused_from, deadline_at, arrived, started_at, ended_at)
    select f.organization_id, f.id, t.stage, t.item, t.status, t.attempt, t.failures, t.crashes, t.generation, f.epoch,
        clock_timestamp() + make_interval(secs => case
            when f.is_signalled and t.error::jsonb ->> 'code' in ('budget_exhausted', 'waits_for_review', 'waits_for_runs',
                'waits_for_signal', 'waits_for_time')
                then least(t.due_in_s, 0)
            else t.due_in_s end),
        t.model, t.fingerprint, t.output::jsonb, t.error::jsonb, t.reused_from,
        clock_timestamp() + make_interval(secs => t.deadline_in_s), t.arrived::text[],
        case when t.status = 'running' then clock_timestamp() end,
        case when t.status in ('completed', 'failed', 'skipped', 'cancelled') then clock_timestamp() end
    from unnest($11::int[], $12::text[], $13::text[], $14::text[], $15::int[], $16::int[], $17::int[], $18::int[],
            $19::float8[], $20::text[], $21::text[], $22::text[], $23::text[], $44::uuid[], $45::float8[], $46::text[])
        t (i, stage, item, status, attempt, failures, crashes, generation, due_in_s, model, fingerprint, output, error, reused_from,
            deadline_in_s, arrived)
    join f using (i)
    on conflict (organization_id, run_id, stage, item) do update
    set status = excluded.status, attempt = excluded.attempt, failures = excluded.failures, crashes = excluded.crashes,
        generation = excluded.generation, epoch = excluded.epoch, due_at = excluded.due_at,
        model = coalesce(excluded.model, sr.model), fingerprint = coalesce(excluded.fingerprint, sr.fingerprint),
        output = excluded.output, error = excluded.error, reused_from = excluded.reused_from,
        deadline_at = coalesce(sr.deadline_at, excluded.deadline_at), arrived = coalesce(sr.arrived, excluded.arrived),
        started_at = coalesce(excluded.started_at, sr.started_at), ended_at = excluded.ended_at
    where sr.status not in ('completed', 'failed', 'skipped', 'cancelled')
),
a as (
    insert into tegu.stage_attempts (organization_id, run_id, stage, item, attempt, worker_id, outcome, error, elapsed_ms)
    select f.organization_id, f.id, split_part(t.stage, '#', 1), split_part(t.stage, '#', 2), t.attempt, $1, t.outcome, t.error::jsonb, t.elapsed_ms
    from unnest($24::int[], $25::text[], $26::int[], $27::text[], $28::text[], $29::int[])
        t (i, stage, attempt, outcome, error, elapsed_ms)
    join f using (i)
),
o as (
    insert into tegu.results (organization_id, run_id, stage, item, type, key, data, confidence, confidence_method, evidence,
        llm_call_id)
    select f.organization_id, f.id, split_part(t.stage, '#', 1), split_part(t.stage, '#', 2), t.type, t.key, t.data::jsonb, t.confidence, t.method, t.evidence::jsonb,
        t.llm_call_id
    from unnest($30::int[], $31::text[], $32::text[], $33::text[], $34::text[], $35::float8[], $36::text[], $37::text[],
            $38::uuid[])
        t (i, stage, type, key, data, confidence, method, evidence, llm_call_id)
    join f using (i)
),
e as (
    insert into tegu.run_events (organization_id, run_id, seq, kind, stage, item, data)
    select f.organization_id, f.id, f.seq + t.n, t.kind, split_part(t.stage, '#', 1), coalesce(split_part(t.stage, '#', 2), ''),
        t.data::jsonb
    from unnest($39::int[], $40::int[], $41::text[], $42::text[], $43::text[]) t (i, n, kind, stage, data)
    join f using (i)
),
h as (
    insert into tegu.hook_deliveries (organization_id, run_id, hook)
    select f.organization_id, f.id, k.name from f join tegu.hooks k on k.event in ('run.' || f.status, 'run.ended')
    where f.parent_id is null and f.status in ('completed', 'failed', 'cancelled')
      and (k.pipeline is null or exists (
        select 1 from tegu.pipelines p
        where p.organization_id = f.organization_id and p.id = f.pipeline_id and p.name = k.pipeline))
),
told as materialized (
    select f.organization_id, f.id, f.pipeline_id, 'run.' || f.status as event, f.id::text as subject, null::jsonb as data
    from f where f.parent_id is null and f.status in ('completed', 'failed', 'cancelled')
    union all
    select f.organization_id, f.id, f.pipeline_id, 'budget.exhausted',
        f.pipeline_id || ' ' || (statement_timestamp() at time zone 'UTC')::date, null
    from unnest($11::int[], $23::text[]) t (i, error) join f using (i)
    where t.error is not null and t.error::jsonb ->> 'code' = 'budget_exhausted'
    union all
    select f.organization_id, f.id, f.pipeline_id, 'run.waiting', f.id || ' ' || t.stage || ' ' || t.item,
        jsonb_build_object('stage', t.stage, 'waits_for', t.error::jsonb -> 'code')
    from unnest($11::int[], $12::text[], $13::text[], $23::text[]) t (i, stage, item, error) join f using (i)
    where t.error is not null and t.error::jsonb ->> 'code' = any ('{waits_for_review,waits_for_signal}')
),
w as (
    insert into tegu.webhook_deliveries (organization_id, id, webhook_id, event, subject, run_id, data)
    select told.organization_id, tegu.new_id(), k.id, told.event, told.subject, told.id, told.data
    from told join tegu.webhooks k on k.organization_id = told.organization_id and told.event = any (k.events)
    where k.disabled_at is null and (k.pipelines is null or exists (
        select 1 from tegu.pipelines p
        where p.organization_id = told.organization_id and p.id = told.pipeline_id and p.name = any (k.pipelines)))
    on conflict do nothing
),
woken as (
    insert into tegu.run_wakes (organization_id, run_id, child_id)
    select f.organization_id, f.parent_id, f.id from f
    where f.parent_id is not null and f.status in ('completed', 'failed', 'cancelled')
),
orphaned as (
    insert into tegu.child_cancels (organization_id, run_id, stage, item)
    select f.organization_id, f.id, '', '' from f where f.has_children and f.status in ('completed', 'failed', 'cancelled')
    union all
    select f.organization_id, f.id, t.stage, t.item
    from unnest($11::int[], $12::text[], $13::text[], $14::text[]) t (i, stage, item, status) join f using (i)
    where f.has_children and t.status in ('failed', 'cancelled') and f.status not in ('completed', 'failed', 'cancelled')
)
select i::int, cancel_requested_at is not null as cancel_requested, inbox from f
