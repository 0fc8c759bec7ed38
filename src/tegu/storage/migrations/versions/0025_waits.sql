-- Waits: signals that runs are sent from outside, how long runs and stages may take in all, and what a stage read.
--
-- A signal is kept, so that it may come before a stage waits for it; one that is to reach only who waits now names those stages.
-- Whoever sends one moves `inbox` of the run in the same transaction: its owner hears of it, or the run is due at once.
-- `runs.deadline_at` is when the run ends failed, whatever is left of it; `stage_runs.deadline_at` likewise of a stage, from its
-- first start on. `stage_runs.arrived` is what a stage that did not wait for all of its upstreams was started with: a repeated
-- attempt reads the same.
--
-- Lock order: the run before its signals.

create table tegu.run_signals (
    organization_id uuid not null,
    run_id uuid not null,
    id uuid not null,
    name text not null,
    data jsonb,
    key text,
    stages text[],
    created_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, run_id, id)
);
create unique index run_signals_key on tegu.run_signals (organization_id, run_id, key) where key is not null;

alter table tegu.run_signals enable row level security;
alter table tegu.run_signals force row level security;
create policy organization on tegu.run_signals to tegu_app using (organization_id = (select tegu.current_organization()))
    with check (organization_id = (select tegu.current_organization()));
create policy engine on tegu.run_signals to tegu_engine using (true) with check (true);
grant select, insert on tegu.run_signals to tegu_app;
grant select, delete on tegu.run_signals to tegu_engine;

set local lock_timeout = '5s'; -- whoever waits for these tables makes everybody wait: rather try again
alter table tegu.runs add column deadline_at timestamptz;
alter table tegu.stage_runs add column deadline_at timestamptz, add column arrived text[];

-- That a run was signalled is an event of it.
grant update (last_seq) on tegu.runs to tegu_app;
grant insert on tegu.run_events to tegu_app;
