-- Webhooks: what an organization wants to be told, and where; and the deliveries of it, which are outbox and log at once.
--
-- A delivery is inserted by the statement that makes the event true: by the checkpoint that ends a run, by the transaction that
-- stores a content. Where nobody wants to hear, nothing is written. `subject` is what the event is about: a webhook hears of each
-- event once, whoever notes it how often. `body` is what is sent, byte for byte, once the first attempt has made it.
--
-- A delivery is due at `due_at`; whoever sends it moves that ahead meanwhile (`token` names them), so that a process that dies loses
-- nothing but that time. Ended, it stays as the log until it is too old.
--
-- `secret` and `old_secret` are sealed with a key outside the database. The app's role writes them and cannot read them.
--
-- Lock order: runs, then deliveries, then webhooks.

-- A UUIDv7, for rows that statements make.
create function tegu.new_id() returns uuid language sql volatile parallel safe as $$
    select (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
        || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
$$;
grant execute on function tegu.new_id() to tegu_app, tegu_engine;

create table tegu.webhooks (
    organization_id uuid not null,
    id uuid not null,
    url text not null,
    host text not null,
    description text not null default '',
    events text[] not null check (cardinality(events) > 0),
    pipelines text[],
    sends_results boolean not null default false,
    secret text not null,
    old_secret text,
    old_secret_until timestamptz,
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_reason text check (disabled_reason in ('paused', 'gone', 'failing')),
    created_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, id),
    check ((disabled_at is null) = (disabled_reason is null)),
    check ((old_secret is null) = (old_secret_until is null))
);

create table tegu.webhook_deliveries (
    organization_id uuid not null,
    id uuid not null,
    webhook_id uuid not null,
    event text not null,
    subject text not null,
    run_id uuid,
    content_id uuid,
    data jsonb,
    body text,
    status text not null default 'pending' check (status in ('pending', 'delivered', 'failed')),
    attempt int not null default 0,
    token uuid,
    due_at timestamptz not null default clock_timestamp(),
    status_code int,
    answer text,
    error jsonb,
    elapsed_ms int,
    created_at timestamptz not null default clock_timestamp(),
    attempted_at timestamptz,
    ended_at timestamptz,
    primary key (organization_id, id),
    unique (organization_id, webhook_id, event, subject)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
create index webhook_deliveries_due on tegu.webhook_deliveries (organization_id, webhook_id, due_at) where status = 'pending';
create index webhook_deliveries_sent on tegu.webhook_deliveries (due_at) where status = 'pending' and token is not null;
-- Not by the organization first: such an index looks as good as the primary key to a planner that has no statistics yet.
create index webhook_deliveries_run on tegu.webhook_deliveries (run_id) where run_id is not null;
create index webhook_deliveries_content on tegu.webhook_deliveries (content_id) where content_id is not null;
create index webhook_deliveries_age on tegu.webhook_deliveries (created_at);

do $$
declare
    name text;
    mine constant text := 'organization_id = (select tegu.current_organization())';
begin
    foreach name in array array['webhooks', 'webhook_deliveries'] loop
        execute format('alter table tegu.%I enable row level security', name);
        execute format('alter table tegu.%I force row level security', name);
        execute format('create policy organization on tegu.%I to tegu_app using (%s) with check (%s)', name, mine, mine);
        execute format('create policy engine on tegu.%I to tegu_engine using (true) with check (true)', name);
    end loop;
end $$;

grant select (organization_id, id, url, host, description, events, pipelines, sends_results, old_secret_until, failing_since,
    disabled_at, disabled_reason, created_at) on tegu.webhooks to tegu_app;
grant insert, delete, update (url, host, description, events, pipelines, sends_results, secret, old_secret, old_secret_until,
    failing_since, disabled_at, disabled_reason) on tegu.webhooks to tegu_app;
grant select, insert, delete, update (status, attempt, token, due_at, status_code, answer, error, elapsed_ms, ended_at)
    on tegu.webhook_deliveries to tegu_app;
grant select, update on tegu.webhooks to tegu_engine;
grant select, insert, update, delete on tegu.webhook_deliveries to tegu_engine;
