-- Tallies: what an organization's runs, calls and contents came to, added up once and kept; and what each run cost. Lists of usage,
-- and of runs by their cost, read them, and the ledger only from where they end.
--
-- A mark says up to when (of `created_at`) all is in the tallies. A worker moves it every few minutes. What is before it can no longer
-- come: the mark moves only to a moment that was noted together with a transaction's number (`seen_at`, `seen_xact`), when no
-- transaction older than that is left, so that what a host application stores in its own transaction, however long, is not missed.
-- A call that was still under way when the mark went past it is counted, and kept as late until it has ended and its tokens and cost
-- are added. Nothing is ever taken away: what was pruned or erased since was used all the same.
--
-- Lock order: the mark of an organization before its tallies.

-- `live_from`: what came after the mark has an id from there on. Not made from `upto` by whoever asks: row security would not let an
-- index be asked for it.
create table tegu.tally_marks (
    organization_id uuid not null primary key,
    upto timestamptz not null,
    live_from uuid not null,
    seen_at timestamptz not null,
    seen_xact bigint not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);

-- `pipeline_id` 0 and a provider and model of '' are none.
create table tegu.usage_tallies (
    organization_id uuid not null,
    day date not null,
    pipeline_id uuid not null,
    provider text not null,
    model text not null,
    runs bigint not null,
    calls bigint not null,
    input_tokens bigint not null,
    cached_tokens bigint not null,
    output_tokens bigint not null,
    reasoning_tokens bigint not null,
    cost_usd numeric(20, 10) not null,
    unknown_costs bigint not null,
    contents bigint not null,
    content_bytes bigint not null,
    primary key (organization_id, day, pipeline_id, provider, model)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);

-- Of a run with all that it started, in units of 10^-10 USD: row security lets an index be asked for whole numbers, and not for
-- decimal ones. A run that cost nothing has no row.
create table tegu.run_costs (
    organization_id uuid not null,
    run_id uuid not null,
    cost_e10 bigint not null,
    primary key (organization_id, run_id)
) with (fillfactor = 70);
create index run_costs_by_cost on tegu.run_costs (organization_id, cost_e10) include (run_id);

create table tegu.late_calls (
    organization_id uuid not null,
    call_id uuid not null,
    created_at timestamptz not null,
    primary key (organization_id, call_id)
);

do $$
declare
    name text;
    mine constant text := 'organization_id = (select tegu.current_organization())';
begin
    foreach name in array array['tally_marks', 'usage_tallies', 'run_costs', 'late_calls'] loop
        execute format('alter table tegu.%I enable row level security', name);
        execute format('alter table tegu.%I force row level security', name);
        execute format('create policy organization on tegu.%I to tegu_app using (%s) with check (%s)', name, mine, mine);
        execute format('create policy engine on tegu.%I to tegu_engine using (true) with check (true)', name);
        execute format('grant select on tegu.%I to tegu_app', name);
    end loop;
end $$;
grant select, insert, update on tegu.tally_marks, tegu.usage_tallies to tegu_engine;
grant select, insert, update, delete on tegu.run_costs, tegu.late_calls to tegu_engine;

-- No UUIDv7 of that moment or later is below it.
create function tegu.first_id(moment timestamptz) returns uuid language sql immutable parallel safe as $$
    select (lpad(to_hex(greatest(0, extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- By day (of UTC), pipeline, provider and model. Its columns add up over any of them: what is in the tallies, and what came since.
-- Of what came since, ids find the rows and `created_at` decides: the machine that made an id may be an hour off, and what is older
-- still shows when it is tallied. Row security holds through it: it is read with the rights of whoever asks.
create or replace view tegu.usage with (security_invoker = true) as
with sums as not materialized (
    select u.organization_id, u.day, nullif(u.pipeline_id, '00000000-0000-0000-0000-000000000000') as pipeline_id,
        nullif(u.provider, '') as provider, nullif(u.model, '') as model, sum(u.runs)::bigint as runs, sum(u.calls)::bigint as calls,
        sum(u.input_tokens)::bigint as input_tokens, sum(u.cached_tokens)::bigint as cached_tokens,
        sum(u.output_tokens)::bigint as output_tokens, sum(u.reasoning_tokens)::bigint as reasoning_tokens,
        sum(u.cost_usd) as cost_usd, sum(u.unknown_costs)::bigint as unknown_costs, sum(u.contents)::bigint as contents,
        sum(u.content_bytes)::bigint as content_bytes
    from (
        select organization_id, day, pipeline_id, provider, model, runs, calls, input_tokens, cached_tokens, output_tokens,
            reasoning_tokens, cost_usd::numeric, unknown_costs, contents, content_bytes
        from tegu.usage_tallies
        union all
        select r.organization_id, (r.created_at at time zone 'UTC')::date, r.pipeline_id, '', '', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0
        from tegu.organizations o left join tegu.tally_marks m on m.organization_id = o.id
        join tegu.runs r on r.organization_id = o.id
            and r.id >= case when m.live_from is null then '00000000-0000-0000-0000-000000000000' else m.live_from end and r.created_at >= coalesce(m.upto, '-infinity')
        where r.parent_id is null
        union all
        select c.organization_id, (c.created_at at time zone 'UTC')::date,
            coalesce(c.pipeline_id, r.pipeline_id, '00000000-0000-0000-0000-000000000000'), c.provider, c.model, 0, 1,
            coalesce(c.input_tokens, 0), coalesce(c.cached_tokens, 0), coalesce(c.output_tokens, 0), coalesce(c.reasoning_tokens, 0),
            coalesce(c.cost_usd, 0), (c.cost_usd is null and c.provider not in ('demo', 'rules'))::int, 0, 0
        from tegu.organizations o left join tegu.tally_marks m on m.organization_id = o.id
        join tegu.llm_calls c on c.organization_id = o.id
            and c.id >= case when m.live_from is null then '00000000-0000-0000-0000-000000000000' else m.live_from end and c.created_at >= coalesce(m.upto, '-infinity')
        left join tegu.runs r on c.pipeline_id is null and r.organization_id = c.organization_id and r.id = c.run_id
        where c.answered_by = 'provider'
        union all
        select c.organization_id, (c.created_at at time zone 'UTC')::date, '00000000-0000-0000-0000-000000000000', '', '',
            0, 0, 0, 0, 0, 0, 0, 0, 1, c.size_bytes
        from tegu.organizations o left join tegu.tally_marks m on m.organization_id = o.id
        join tegu.contents c on c.organization_id = o.id
            and c.id >= case when m.live_from is null then '00000000-0000-0000-0000-000000000000' else m.live_from end and c.created_at >= coalesce(m.upto, '-infinity')
    ) u
    group by u.organization_id, u.day, u.pipeline_id, u.provider, u.model
)
select u.organization_id, o.external_id, u.day, p.name as pipeline, u.provider, u.model,
    u.runs, u.calls, u.input_tokens, u.cached_tokens, u.output_tokens, u.reasoning_tokens, u.cost_usd, u.unknown_costs,
    u.contents, u.content_bytes
from sums u
join tegu.organizations o on o.id = u.organization_id
left join tegu.pipelines p on p.organization_id = u.organization_id and p.id = u.pipeline_id;

-- What lists of runs are searched by, in their order, so that what is rare or not there is not looked for in every run. None of these
-- columns ever changes, but `error`, which a stage that goes well never has: its row stays where it is when it ends. Built while runs and calls cannot be written, as the lanes were (0014 says why).
set local lock_timeout = '30s';
create index runs_by_pipeline on tegu.runs (organization_id, pipeline_id, id) where parent_id is null;
create index runs_by_trigger on tegu.runs (organization_id, triggered_by, id) where parent_id is null;
create index llm_calls_by_model on tegu.llm_calls (organization_id, model, provider, run_id) where run_id is not null;
create index stage_runs_by_error on tegu.stage_runs (organization_id, stage, run_id) where error is not null;
