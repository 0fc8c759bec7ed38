-- Backfills: runs of a version over what earlier runs of the pipeline were over, each of which takes from its earlier run what has not
-- changed (`runs.reuse_from`).
--
-- What a backfill is over is written down when it is made, in an order drawn at random: its first `wanted` targets are to be run, a
-- sample is the first few of them, and who goes on goes on where the sample ended. Whoever starts runs locks the backfill, inserts those
-- of its next targets and moves `started` in one transaction of the organization: each target once, however many workers look.
-- Its runs share one budget: that of `budget_id`, the backfill.
--
-- Lock order: the backfill, then what starting a run locks. Others skip a backfill that is locked.

create table tegu.backfills (
    organization_id uuid not null,
    id uuid not null,
    pipeline_id uuid not null,
    version_id uuid not null,
    status text not null check (status in ('running', 'paused', 'completed', 'cancelled')),
    model text,
    filter jsonb not null,
    seed int not null,
    targets int not null,
    wanted int not null,
    started int not null default 0,
    budget_usd numeric(20, 10),
    priority smallint not null,
    triggered_by text not null,
    steps jsonb not null default '[]',
    note text,
    created_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    primary key (organization_id, id),
    check (0 <= started and started <= wanted and wanted <= targets),
    check ((status in ('completed', 'cancelled')) = (ended_at is not null))
);
create index backfills_running on tegu.backfills (id) where status = 'running';

-- `run_id` is null until its run is started, and stays so where `is_gone`: what the earlier run was over, or that run, is no more.
create table tegu.backfill_targets (
    organization_id uuid not null,
    backfill_id uuid not null,
    position int not null,
    base_run_id uuid not null,
    run_id uuid,
    is_gone boolean not null default false,
    primary key (organization_id, backfill_id, position),
    unique (organization_id, backfill_id, base_run_id)
);

set local lock_timeout = '5s'; -- whoever waits for the table makes everybody wait: rather try again
alter table tegu.runs add column backfill_id uuid;
create unique index runs_backfills on tegu.runs (organization_id, backfill_id, reuse_from) where backfill_id is not null;

do $$
declare
    name text;
    mine constant text := 'organization_id = (select tegu.current_organization())';
begin
    foreach name in array array['backfills', 'backfill_targets'] loop
        execute format('alter table tegu.%I enable row level security', name);
        execute format('alter table tegu.%I force row level security', name);
        execute format('create policy organization on tegu.%I to tegu_app using (%s) with check (%s)', name, mine, mine);
    end loop;
end $$;
create policy engine on tegu.backfills for select to tegu_engine using (true);

grant select, insert, update on tegu.backfills, tegu.backfill_targets to tegu_app;
grant select on tegu.backfills to tegu_engine;
