-- Children: runs that a stage of another run started. A nested pipeline is one, so is each iteration of a loop, and a map is done
-- by slices: runs of the same version that perform one stage for a stretch of the items.
--
-- A child is known by (parent, stage, item, try): whoever asks for it twice, also after a crash, finds it there. `input` is what
-- stands for the source of a run that is about data, and of a slice its items; content and thread are the parent's (or an item's),
-- so that their deletion finds the children too. A family has one root, and one budget: that of `budget_id`.
--
-- When a child ends, its checkpoint appends to `run_wakes` and leaves its parent's row alone: hundreds of children would queue for it.
-- Workers drain the wakes in aggregate. When a run ends, or a stage of it without completing, its checkpoint appends to
-- `child_cancels`, and workers ask its children to end, some at a time; each of those does the same for its own.
--
-- Lock order: rows of run_wakes and child_cancels before runs, which are locked by (organization_id, id); both are appended to
-- under keys of their own, so that a checkpoint, which has runs locked, never waits for one who drains.

set local lock_timeout = '5s'; -- whoever waits for the table makes everybody wait: rather try again
alter table tegu.runs
    add column root_id uuid,
    add column parent_id uuid,
    add column parent_stage text,
    add column parent_item text,
    add column parent_try int,
    add column depth smallint not null default 0,
    add column input jsonb,
    add column slice_stage text,
    add column slice_from int,
    add column slice_of int,
    add column budget_id uuid,
    add column has_children boolean not null default false;

create unique index runs_children on tegu.runs (organization_id, parent_id, parent_stage, parent_item, parent_try)
    where parent_id is not null;
create index runs_families on tegu.runs (organization_id, root_id) where root_id is not null;
create index runs_budgets on tegu.runs (organization_id, budget_id) where budget_id is not null;

create table tegu.run_wakes (
    organization_id uuid not null,
    run_id uuid not null,
    child_id uuid not null,
    primary key (organization_id, run_id, child_id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- `stage` and `item` are empty where all children of the run are meant; older tries than `upto_try` are.
create table tegu.child_cancels (
    organization_id uuid not null,
    id uuid not null default tegu.new_id(),
    run_id uuid not null,
    stage text not null default '',
    item text not null default '',
    upto_try int not null default 2147483647,
    created_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

do $$
declare
    name text;
    mine constant text := 'organization_id = (select tegu.current_organization())';
begin
    foreach name in array array['run_wakes', 'child_cancels'] loop
        execute format('alter table tegu.%I enable row level security', name);
        execute format('alter table tegu.%I force row level security', name);
        execute format('create policy organization on tegu.%I to tegu_app using (%s) with check (%s)', name, mine, mine);
        execute format('create policy engine on tegu.%I to tegu_engine using (true) with check (true)', name);
    end loop;
end $$;

grant select on tegu.run_wakes, tegu.child_cancels to tegu_app;
grant select, insert, update, delete on tegu.run_wakes, tegu.child_cancels to tegu_engine;
