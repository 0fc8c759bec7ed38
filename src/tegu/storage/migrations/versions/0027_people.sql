-- Reviews: what a run asks a person, and what was decided. And credentials that stages send to one host each.
--
-- A review is opened by its stage, once for each try of it, whoever performs the stage how often, and told of in the run's events
-- and to webhooks by the same statement. It is `open` until a person decides it (`approved`, `rejected`, `corrected`), its time is
-- over (`expired`, by the stage), or nobody needs it any more (`withdrawn`, by a worker that looks after them, within seconds of
-- the end of its run or stage). Each of these moves is guarded by `open`, so that the first one counts.
--
-- Whoever decides signals the run in the same transaction. `value` is what is to be looked at, of `about`, the stage that made it
-- (null: the run's own content), and `schema` what a corrected one must obey. Value, corrected value and comment go with the content.
--
-- Lock order: runs, then reviews, then deliveries of webhooks.

create table tegu.reviews (
    organization_id uuid not null,
    id uuid not null,
    run_id uuid not null,
    stage text not null,
    item text not null default '',
    retry int not null default 0,
    status text not null default 'open'
        check (status in ('open', 'approved', 'rejected', 'corrected', 'expired', 'withdrawn')),
    instructions text not null default '',
    assignee text,
    about text,
    value jsonb,
    schema jsonb not null default '{}',
    corrected jsonb,
    comment text,
    decided_by text,
    due_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    decided_at timestamptz,
    primary key (organization_id, id),
    unique (organization_id, run_id, stage, item, retry),
    check ((status = 'open') = (decided_at is null))
);
create index reviews_open on tegu.reviews (organization_id, run_id) where status = 'open';

create table tegu.http_credentials (
    organization_id uuid not null,
    id uuid not null,
    name text not null,
    host text not null,
    header text not null,
    sealed text not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, id),
    unique (organization_id, name)
);

do $$
declare
    name text;
    mine constant text := 'organization_id = (select tegu.current_organization())';
begin
    foreach name in array array['reviews', 'http_credentials'] loop
        execute format('alter table tegu.%I enable row level security', name);
        execute format('alter table tegu.%I force row level security', name);
        execute format('create policy organization on tegu.%I to tegu_app using (%s) with check (%s)', name, mine, mine);
        execute format('create policy engine on tegu.%I to tegu_engine using (true) with check (true)', name);
    end loop;
end $$;

grant select, update (status, assignee, corrected, comment, decided_by, decided_at) on tegu.reviews to tegu_app;
grant select, insert, update, delete on tegu.reviews to tegu_engine;
grant select (organization_id, id, name, host, header, created_at) on tegu.http_credentials to tegu_app;
grant insert, delete on tegu.http_credentials to tegu_app;
grant select, update (sealed) on tegu.http_credentials to tegu_engine;
