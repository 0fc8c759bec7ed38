-- Operations: pauses, priorities, and how many runs of an organization may be under way.
--
-- Nothing of it touches the runs that it holds back: the claim reads pauses and limits, and leaves those runs where they are.
-- Lock order: workers, then organization_limits, then runs by (organization_id, id). The claim skips what is locked.

-- The pipeline 000... is all of the organization's; the organization 000... is everybody.
create table tegu.pauses (
    organization_id uuid not null,
    pipeline_id uuid not null default '00000000-0000-0000-0000-000000000000',
    reason text,
    paused_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, pipeline_id)
);

-- `claims` rises with every claim that took runs of the organization: whoever counted before that counts again.
create table tegu.organization_limits (
    organization_id uuid not null,
    runs_max int not null check (runs_max > 0),
    claims bigint not null default 0,
    primary key (organization_id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);

set local lock_timeout = '5s'; -- whoever waits for the table makes everybody wait: rather try again
alter table tegu.runs add column priority smallint not null default 0;
-- Not validated, which would read the whole table: what is there has the default.
alter table tegu.runs add constraint runs_priority_check check (priority between -9 and 9) not valid;

do $$
declare
    name text;
    mine constant text := 'organization_id = (select nullif(current_setting(''tegu.organization_id'', true), '''')::uuid)';
begin
    foreach name in array array['pauses', 'organization_limits'] loop
        execute format('alter table tegu.%I enable row level security', name);
        execute format('alter table tegu.%I force row level security', name);
        execute format('create policy organization on tegu.%I to tegu_app using (%s) with check (%s)', name, mine, mine);
        execute format('create policy engine on tegu.%I to tegu_engine using (true) with check (true)', name);
    end loop;
end $$;

-- So that an organization can say what its runs wait for.
create policy everybody on tegu.pauses for select to tegu_app
    using (organization_id = '00000000-0000-0000-0000-000000000000');
grant select, insert, delete on tegu.pauses to tegu_app;
grant update (reason) on tegu.pauses to tegu_app;
-- A limit is the operator's to set.
grant select on tegu.organization_limits to tegu_app;
grant select, insert, update, delete on tegu.pauses, tegu.organization_limits to tegu_engine;
