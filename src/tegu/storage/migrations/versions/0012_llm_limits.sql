-- Limits of providers: what all processes that use one key may ask of a model, and what each of them holds of it.
--
-- `state` is `llm.limits.grant.SharedLimit`; a visit of a process locks its limit's row, divides, and writes both. `key` is a hash
-- of provider, host and secret. `organization_id` is whose key it is: nobody's (the nil id) for keys of the operator's
-- environment, which all organizations share.
--
-- Lock order: limits by (organization_id, key, model), then the shares of one limit. Nothing else is locked with either.

create table tegu.llm_limits (
    organization_id uuid not null,
    key text not null,
    provider text not null,
    model text not null,
    state jsonb not null,
    visited_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, key, model)
) with (fillfactor = 50);

create table tegu.llm_limit_shares (
    organization_id uuid not null,
    key text not null,
    model text not null,
    process_id uuid not null,
    slots int not null,
    in_flight int not null,
    waiting int not null,
    wanted int not null,
    requests float8 not null,
    served_s float8 not null,
    held_until timestamptz not null,
    primary key (organization_id, key, model, process_id)
) with (fillfactor = 50);

do $$
declare
    name text;
    mine constant text := 'organization_id = (select nullif(current_setting(''tegu.organization_id'', true), '''')::uuid)';
begin
    foreach name in array array['llm_limits', 'llm_limit_shares'] loop
        execute format('alter table tegu.%I enable row level security', name);
        execute format('alter table tegu.%I force row level security', name);
        execute format('create policy organization on tegu.%I for select to tegu_app using (%s)', name, mine);
        execute format('create policy engine on tegu.%I to tegu_engine using (true) with check (true)', name);
    end loop;
end $$;

grant select on tegu.llm_limits, tegu.llm_limit_shares to tegu_app;
grant select, insert, update, delete on tegu.llm_limits, tegu.llm_limit_shares to tegu_engine;
