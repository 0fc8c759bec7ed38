-- Completion hooks: functions of the host's that are called when a run has ended, at least once.
--
-- `hooks` says which hooks some process has, and is the second table without an organization: like a worker, a hook is the
-- operator's. The checkpoint that ends a run inserts one delivery per hook that wants to hear of it, in the same statement:
-- both are stored or neither is, and where there is no hook nothing is written. There is no cursor over ended runs, because
-- runs end in another order than they become visible.
--
-- A delivery is due at `due_at`; whoever calls the hook moves that ahead while the call is under way, so that a process
-- that dies loses nothing but that time. Delivered: the row is gone. Failed for good: `failed_at` is set, with the error.
--
-- Lock order: runs, then deliveries by (organization_id, run_id, hook); hooks are never locked with either.

create table tegu.hooks (
    name text primary key,
    event text not null check (event in ('run.completed', 'run.failed', 'run.cancelled', 'run.ended')),
    pipeline text,
    created_at timestamptz not null default clock_timestamp(),
    seen_at timestamptz not null default clock_timestamp()
);

create table tegu.hook_deliveries (
    organization_id uuid not null,
    run_id uuid not null,
    hook text not null,
    attempt int not null default 0,
    token uuid,
    due_at timestamptz not null default clock_timestamp(),
    error jsonb,
    created_at timestamptz not null default clock_timestamp(),
    failed_at timestamptz,
    primary key (organization_id, run_id, hook)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
create index hook_deliveries_due on tegu.hook_deliveries (hook, due_at) where failed_at is null;
create index hook_deliveries_age on tegu.hook_deliveries (created_at);

do $$
declare
    mine constant text := 'organization_id = (select nullif(current_setting(''tegu.organization_id'', true), '''')::uuid)';
begin
    alter table tegu.hooks enable row level security;
    alter table tegu.hooks force row level security;
    create policy engine on tegu.hooks to tegu_engine using (true) with check (true);
    alter table tegu.hook_deliveries enable row level security;
    alter table tegu.hook_deliveries force row level security;
    create policy engine on tegu.hook_deliveries to tegu_engine using (true) with check (true);
    execute format('create policy organization on tegu.hook_deliveries for select to tegu_app using (%s)', mine);
end $$;

grant select, insert, update, delete on tegu.hooks, tegu.hook_deliveries to tegu_engine;
grant select on tegu.hook_deliveries to tegu_app;
