-- Usage: what an organization's runs, calls and contents came to; and quotas, the operator's bounds on it.
--
-- A row of `quotas` counts what it bounds: whoever starts a run or stores a content locks it, looks whether there is room, and
-- counts, in the same transaction. So a quota is exact however many ask at once, and an organization without one pays a look at
-- an empty place. Bytes are counted by triggers, whoever stores or erases them. What was spent in a month is counted by the
-- ledger's statements, as budgets are, and only where a quota asks for it.
--
-- Lock order: the quota of an organization before the runs and blobs that it counts; budget windows before months.

create table tegu.quotas (
    organization_id uuid not null primary key,
    runs_per_day int check (runs_per_day >= 0),
    stored_bytes_max bigint check (stored_bytes_max >= 0),
    spend_usd_per_month numeric(20, 10) check (spend_usd_per_month >= 0),
    runs_day date not null,
    runs_count int not null,
    stored_bytes bigint not null,
    updated_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);

create table tegu.spend_months (
    organization_id uuid not null,
    since timestamptz not null,
    spent_usd numeric(20, 10) not null,
    primary key (organization_id, since)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);

create function tegu.count_stored_bytes() returns trigger language plpgsql as $$
begin
    update tegu.quotas q set stored_bytes = q.stored_bytes + counted.size_bytes
    from (select organization_id, sum(octet_length(data))::bigint * tg_argv[0]::int as size_bytes from counted_blobs group by organization_id) counted
    where q.organization_id = counted.organization_id;
    return null;
end $$;
create trigger blobs_stored after insert on tegu.blobs referencing new table as counted_blobs
    for each statement execute function tegu.count_stored_bytes('1');
create trigger blobs_erased after delete on tegu.blobs referencing old table as counted_blobs
    for each statement execute function tegu.count_stored_bytes('-1');

-- Whose pipeline a call was for stays known when its run is pruned.
set local lock_timeout = '5s'; -- whoever waits for the table makes everybody wait: rather try again
alter table tegu.llm_calls add column pipeline_id uuid;

-- What was told of a day by `usage.recorded`: the pipeline '' is what belongs to none. `revision` rises where a call that was under way
-- at the end of the day changed it.
create table tegu.usage_records (
    organization_id uuid not null,
    day date not null,
    pipeline text not null,
    revision int not null,
    runs bigint not null,
    calls bigint not null,
    input_tokens bigint not null,
    cached_tokens bigint not null,
    output_tokens bigint not null,
    reasoning_tokens bigint not null,
    cost_usd numeric(20, 10) not null,
    unknown_costs bigint not null,
    content_bytes bigint not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, day, pipeline)
);

do $$
declare
    name text;
    mine constant text := 'organization_id = (select tegu.current_organization())';
begin
    foreach name in array array['quotas', 'spend_months', 'usage_records'] loop
        execute format('alter table tegu.%I enable row level security', name);
        execute format('alter table tegu.%I force row level security', name);
        execute format('create policy organization on tegu.%I to tegu_app using (%s) with check (%s)', name, mine, mine);
        execute format('create policy engine on tegu.%I to tegu_engine using (true) with check (true)', name);
    end loop;
end $$;

-- The limits are the operator's to set; counting is everybody's.
grant select, update (runs_day, runs_count, stored_bytes) on tegu.quotas to tegu_app;
grant select on tegu.spend_months, tegu.usage_records to tegu_app;
grant select, insert, update, delete on tegu.quotas, tegu.spend_months, tegu.usage_records to tegu_engine;

-- By day (of UTC), pipeline, provider and model. Its columns add up over any of them: a row is of calls, of runs or of contents.
-- Row security holds through it: it is read with the rights of whoever asks.
create view tegu.usage with (security_invoker = true) as
select u.organization_id, o.external_id, u.day, p.name as pipeline, u.provider, u.model,
    u.runs, u.calls, u.input_tokens, u.cached_tokens, u.output_tokens, u.reasoning_tokens, u.cost_usd, u.unknown_costs,
    u.contents, u.content_bytes
from (
    select organization_id, (created_at at time zone 'UTC')::date as day, pipeline_id, null::text as provider, null::text as model,
        count(*) as runs, 0::bigint as calls, 0::bigint as input_tokens, 0::bigint as cached_tokens, 0::bigint as output_tokens,
        0::bigint as reasoning_tokens, 0::numeric as cost_usd, 0::bigint as unknown_costs, 0::bigint as contents, 0::bigint as content_bytes
    from tegu.runs group by 1, 2, 3
    union all
    select c.organization_id, (c.created_at at time zone 'UTC')::date, coalesce(c.pipeline_id, r.pipeline_id), c.provider, c.model,
        0, count(*), coalesce(sum(c.input_tokens), 0), coalesce(sum(c.cached_tokens), 0), coalesce(sum(c.output_tokens), 0),
        coalesce(sum(c.reasoning_tokens), 0), coalesce(sum(c.cost_usd), 0),
        count(*) filter (where c.cost_usd is null and c.provider <> 'rules'), 0, 0
    from tegu.llm_calls c
    left join tegu.runs r on c.pipeline_id is null and r.organization_id = c.organization_id and r.id = c.run_id
    where c.answered_by = 'provider' group by 1, 2, 3, 4, 5
    union all
    select organization_id, (created_at at time zone 'UTC')::date, null, null, null, 0, 0, 0, 0, 0, 0, 0, 0, count(*), sum(size_bytes)::bigint
    from tegu.contents group by 1, 2
) u
join tegu.organizations o on o.id = u.organization_id
left join tegu.pipelines p on p.organization_id = u.organization_id and p.id = u.pipeline_id;

grant select on tegu.usage to tegu_app, tegu_engine;
