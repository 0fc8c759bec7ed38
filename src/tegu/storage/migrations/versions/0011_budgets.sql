-- Budgets: what calls may cost, per run (runs.budget_usd), pipeline or organization, per day or month (of UTC).
--
-- A call's worst case is reserved by the statement that writes its row, and settled by the statement that stores its reply or
-- its failure: what a window has spent is always the sum, over its ended calls, of what they cost or, where that is not known,
-- of what was reserved for them; and `reserved_usd` is the sum over those that have not ended. So a worker that dies leaves its
-- reservations standing, and no sweep is needed.
--
-- A window is opened when the first call needs it, from the ledger: a budget that is set at noon counts the morning.
--
-- Lock order: budget windows by (organization_id, budget_id, since), before the call's row.

create table tegu.budgets (
    organization_id uuid not null,
    id uuid not null,
    pipeline_id uuid,
    period text not null check (period in ('day', 'month')),
    limit_usd numeric(20, 10) not null check (limit_usd >= 0),
    allows_unpriced boolean not null default false,
    created_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, id)
);
create unique index budgets_place on tegu.budgets (organization_id, coalesce(pipeline_id, '00000000-0000-0000-0000-000000000000'), period);

-- `budget_id` is a budget's id or a run's; `since` begins the window, '-infinity' for a run.
create table tegu.budget_windows (
    organization_id uuid not null,
    budget_id uuid not null,
    since timestamptz not null,
    spent_usd numeric(20, 10) not null,
    reserved_usd numeric(20, 10) not null default 0,
    primary key (organization_id, budget_id, since)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);

alter table tegu.llm_calls add column reserved_usd numeric(20, 10);

do $$
declare
    name text;
    mine constant text := 'organization_id = (select nullif(current_setting(''tegu.organization_id'', true), '''')::uuid)';
begin
    foreach name in array array['budgets', 'budget_windows'] loop
        execute format('alter table tegu.%I enable row level security', name);
        execute format('alter table tegu.%I force row level security', name);
        execute format('create policy organization on tegu.%I to tegu_app using (%s) with check (%s)', name, mine, mine);
        execute format('create policy engine on tegu.%I to tegu_engine using (true) with check (true)', name);
    end loop;
end $$;

grant select, insert, update, delete on tegu.budgets to tegu_app;
grant select, insert, update, delete on tegu.budget_windows to tegu_app, tegu_engine;
grant select on tegu.budgets to tegu_engine;
-- Raising a budget wakes what waits for it.
grant update (due_at) on tegu.stage_runs to tegu_app;
grant update (budget_usd) on tegu.runs to tegu_app;
