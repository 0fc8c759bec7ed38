-- What replies look like while they grow, and who is looking.
--
-- Both tables are ephemeral: unlogged (empty after a crash of the server), written only while somebody follows a run, and
-- swept. Nothing is ever decided by them: a follower shows a partial only between the events that begin and end its
-- attempt, which are in run_events. No checkpoint touches them.

create unlogged table tegu.stage_partials (
    organization_id uuid not null,
    run_id uuid not null,
    stage text not null,
    item text not null default '',
    call int not null,
    epoch int not null,
    attempt int not null,
    version int not null,
    partial jsonb,
    text_length int not null,
    is_truncated boolean not null default false,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, run_id, stage, item, call)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

-- Until when somebody wants to see a run's replies grow; followers renew it. Unwatched runs are not streamed.
create unlogged table tegu.run_watches (
    organization_id uuid not null,
    run_id uuid not null,
    until timestamptz not null,
    primary key (organization_id, run_id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

do $$
declare
    name text;
    mine constant text := 'organization_id = (select nullif(current_setting(''tegu.organization_id'', true), '''')::uuid)';
begin
    foreach name in array array['stage_partials', 'run_watches']
    loop
        execute format('alter table tegu.%I enable row level security', name);
        execute format('alter table tegu.%I force row level security', name);
        execute format('create policy organization on tegu.%I to tegu_app using (%s) with check (%s)', name, mine, mine);
        execute format('create policy engine on tegu.%I to tegu_engine using (true) with check (true)', name);
    end loop;
end $$;

-- Delete, so that the erasure of a content takes its partials along.
grant select, delete on tegu.stage_partials to tegu_app;
grant select, insert, update on tegu.run_watches to tegu_app;
grant select, insert, update, delete on tegu.stage_partials to tegu_engine;
grant select, delete on tegu.run_watches to tegu_engine;
