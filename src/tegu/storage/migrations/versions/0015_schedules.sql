-- Schedules: runs that begin by themselves.
--
-- Whoever fires one locks its row, inserts its runs and moves `next_at` in one transaction of the organization: each time begins its
-- runs once. `next_at` is null while it is paused.
--
-- Lock order: the schedule, then what starting a run locks. Others skip a schedule that is locked.

create table tegu.schedules (
    organization_id uuid not null,
    id uuid not null,
    name text not null,
    spec jsonb not null,
    created_at timestamptz not null default clock_timestamp(),
    next_at timestamptz,
    paused_at timestamptz,
    last_at timestamptz,
    last_run_ids uuid[] not null default '{}',
    last_error text,
    primary key (organization_id, id),
    unique (organization_id, name),
    check ((next_at is null) = (paused_at is not null))
);

create index schedules_due on tegu.schedules (next_at) where next_at is not null;

alter table tegu.schedules enable row level security;
alter table tegu.schedules force row level security;
create policy organization on tegu.schedules to tegu_app
    using (organization_id = (select nullif(current_setting('tegu.organization_id', true), '')::uuid))
    with check (organization_id = (select nullif(current_setting('tegu.organization_id', true), '')::uuid));
create policy engine on tegu.schedules for select to tegu_engine using (true);

grant select, insert, update, delete on tegu.schedules to tegu_app;
grant select on tegu.schedules to tegu_engine;
