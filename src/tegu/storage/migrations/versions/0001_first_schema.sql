-- The model, in one essay.
--
-- Everything a tenant owns starts its key with organization_id, so that one row-security policy fits all and the
-- schema can be distributed by organization. The only table without one is `workers`: a worker is a process of the
-- operator and serves every organization.
--
-- A run is its own job. `owner` is the worker that drives it, `due_at` when somebody should. A run without an owner
-- whose due_at has come is claimable: that one rule is the queue, the scheduler and the crash recovery. `epoch` rises
-- with every claim, `rev` with every checkpoint; a write that does not expect the present epoch and rev touches no row.
-- `inbox` rises with every signal to the run (a cancel now; reviews and children later): a release never moves due_at
-- past an inbox that its owner has not seen.
--
-- Lock order, everywhere: workers, then runs by (organization_id, id), then the rows of one run.
--
-- No index stands on a column that an intermediate checkpoint changes (rev, last_seq, status while running), so those
-- updates stay heap-only. Hot tables have no foreign keys: their rows are written only by the checkpoint, which has the
-- run locked, and are deleted by run or by organization.

create schema if not exists tegu;

do $$ begin create role tegu_app login nosuperuser nocreatedb nocreaterole; exception when duplicate_object or unique_violation then null; end $$;
do $$ begin create role tegu_engine login nosuperuser nocreatedb nocreaterole; exception when duplicate_object or unique_violation then null; end $$;
-- So that an operator's own login can act as either (the `role` connection option).
do $$ begin execute format('grant tegu_app, tegu_engine to %I', current_user); end $$;

create table tegu.organizations (
    id uuid primary key,
    name text not null,
    external_id text unique,
    model text,
    created_at timestamptz not null default clock_timestamp()
);

create table tegu.users (
    organization_id uuid not null references tegu.organizations,
    id uuid not null,
    email text not null,
    display_name text,
    created_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, id)
);
create unique index users_email on tegu.users (organization_id, lower(email));

-- Bytes, once per organization; a deleted content's bytes go, its row stays as a tombstone.
create table tegu.blobs (
    organization_id uuid not null,
    sha256 text not null,
    data bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, sha256)
);
alter table tegu.blobs alter column data set storage external;

create table tegu.mail_threads (
    organization_id uuid not null,
    id uuid not null,
    subject text not null,
    merged_into uuid,
    created_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, id)
);

-- Every Message-ID seen or referred to, and its thread: the ghosts that hold a thread together while parents are missing.
create table tegu.mail_references (
    organization_id uuid not null,
    message_id text not null,
    thread_id uuid not null,
    primary key (organization_id, message_id)
);
create index mail_references_thread on tegu.mail_references (organization_id, thread_id);

create table tegu.contents (
    organization_id uuid not null,
    id uuid not null,
    source_type text not null check (source_type in ('file', 'email', 'api', 'manual')),
    media_type text not null,
    sha256 text not null,
    size_bytes bigint not null,
    name text,
    metadata jsonb not null default '{}',
    external_id text,
    parent_id uuid,
    position int,
    thread_id uuid,
    message_id text,
    mail_key text,
    sent_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    primary key (organization_id, id)
);
create unique index contents_sha256 on tegu.contents (organization_id, sha256, coalesce(external_id, ''))
    where parent_id is null and mail_key is null and deleted_at is null;
create unique index contents_external_id on tegu.contents (organization_id, external_id)
    where external_id is not null and deleted_at is null;
create unique index contents_mail_key on tegu.contents (organization_id, mail_key)
    where mail_key is not null and deleted_at is null;
create unique index contents_parent on tegu.contents (organization_id, parent_id, position) where parent_id is not null;
create index contents_thread on tegu.contents (organization_id, thread_id) where thread_id is not null;

-- Extracted text: durable work, done once per (bytes, media type, parser version).
create table tegu.texts (
    organization_id uuid not null,
    sha256 text not null,
    media_type text not null,
    parser_version text not null,
    document jsonb,
    error jsonb,
    created_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, sha256, media_type, parser_version),
    check ((document is null) <> (error is null))
);

create table tegu.pipelines (
    organization_id uuid not null,
    id uuid not null,
    name text not null,
    created_at timestamptz not null default clock_timestamp(),
    archived_at timestamptz,
    primary key (organization_id, id)
);
create unique index pipelines_name on tegu.pipelines (organization_id, name);

create table tegu.pipeline_versions (
    organization_id uuid not null,
    id uuid not null,
    pipeline_id uuid not null,
    number int not null,
    hash text not null,
    document json not null,  -- not jsonb, which forgets the order of labels and of schema properties
    functions text[] not null default '{}',
    created_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, id),
    foreign key (organization_id, pipeline_id) references tegu.pipelines (organization_id, id)
);
create unique index pipeline_versions_hash on tegu.pipeline_versions (organization_id, pipeline_id, hash);
create unique index pipeline_versions_number on tegu.pipeline_versions (organization_id, pipeline_id, number);

create table tegu.runs (
    organization_id uuid not null,
    id uuid not null,
    pipeline_id uuid not null,
    version_id uuid not null,
    content_id uuid,
    thread_id uuid,
    status text not null default 'pending'
        check (status in ('pending', 'running', 'waiting', 'completed', 'failed', 'cancelled')),
    owner uuid,
    epoch int not null default 0,
    rev int not null default 0,
    inbox int not null default 0,
    last_seq int not null default 0,
    due_at timestamptz default clock_timestamp(),
    cancel_requested_at timestamptz,
    functions text[] not null default '{}',
    model text,
    budget_usd numeric(20, 10),
    triggered_by text not null default 'library'
        check (triggered_by in ('user', 'key', 'schedule', 'mail', 'library')),
    metadata jsonb not null default '{}',
    error jsonb,
    created_at timestamptz not null default clock_timestamp(),
    started_at timestamptz,
    ended_at timestamptz,
    primary key (organization_id, id),
    check (num_nonnulls(content_id, thread_id) = 1),
    check (status not in ('completed', 'failed', 'cancelled') or (owner is null and due_at is null)),
    check (status <> 'waiting' or (owner is null and due_at is not null))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0.05);
create index runs_claimable on tegu.runs (organization_id, due_at) where owner is null and due_at is not null;
create index runs_owner on tegu.runs (owner) where owner is not null;

create table tegu.stage_runs (
    organization_id uuid not null,
    run_id uuid not null,
    stage text not null,
    item text not null default '',
    status text not null
        check (status in ('pending', 'running', 'waiting', 'completed', 'failed', 'skipped', 'cancelled')),
    attempt int not null default 0,
    failures int not null default 0,
    crashes int not null default 0,
    generation int not null default 0,
    epoch int not null,
    due_at timestamptz,
    model text,
    fingerprint text,
    output jsonb,
    error jsonb,
    started_at timestamptz,
    ended_at timestamptz,
    primary key (organization_id, run_id, stage, item)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

-- One row per attempt that ended, also by a crash; the attempt under way is the stage run itself.
create table tegu.stage_attempts (
    organization_id uuid not null,
    run_id uuid not null,
    stage text not null,
    item text not null default '',
    attempt int not null,
    worker_id uuid not null,
    outcome text not null check (outcome in ('completed', 'failed', 'crashed', 'handed_back', 'cancelled')),
    error jsonb,
    elapsed_ms int,
    ended_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, run_id, stage, item, attempt)
);

create table tegu.results (
    organization_id uuid not null,
    run_id uuid not null,
    stage text not null,
    item text not null default '',
    type text not null,
    key text not null default '',
    data jsonb not null,
    confidence float8 check (confidence between 0 and 1),
    confidence_method text check (confidence_method in ('self_reported', 'calibrated', 'rule')),
    evidence jsonb not null default '[]',
    llm_call_id uuid,
    created_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, run_id, stage, item, type, key),
    check ((confidence is null) = (confidence_method is null))
);

create table tegu.run_events (
    organization_id uuid not null,
    run_id uuid not null,
    seq int not null,
    kind text not null,
    stage text,
    item text not null default '',
    data jsonb,
    at timestamptz not null default clock_timestamp(),
    primary key (organization_id, run_id, seq)
);

-- The rendered request of a call, once per organization.
create table tegu.llm_requests (
    organization_id uuid not null,
    request_hash text not null,
    body json not null,  -- in the order in which it was sent
    created_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, request_hash)
);

-- The ledger: a row per attempt, written before the attempt is made. Unknown is null, never zero.
create table tegu.llm_calls (
    organization_id uuid not null,
    id uuid not null,
    run_id uuid,
    stage text,
    item text not null default '',
    provider text not null,
    model text not null,
    status text not null check (status in ('sent', 'completed', 'rejected', 'failed')),
    answered_by text not null default 'provider' check (answered_by in ('provider', 'journal')),
    ordinal int not null,
    attempt int not null,
    request_hash text not null,
    reply jsonb,
    input_tokens int,
    cached_tokens int,
    output_tokens int,
    reasoning_tokens int,
    usage jsonb,
    cost_usd numeric(20, 10),
    price_version text,
    latency_ms int,
    finish_reason text,
    error jsonb,
    metadata jsonb not null default '{}',
    created_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    primary key (organization_id, id)
);
create index llm_calls_run on tegu.llm_calls (organization_id, run_id, created_at);

-- The journal: which call's reply answers this request, for good. `nth` tells equal requests of one stage run apart;
-- `generation` rises only when a rejected reply is deliberately asked for anew, never after a crash.
create table tegu.llm_journal (
    organization_id uuid not null,
    run_id uuid not null,
    stage text not null,
    item text not null default '',
    generation int not null,
    request_hash text not null,
    nth int not null,
    call_id uuid not null,
    accepted boolean,
    problems jsonb,
    primary key (organization_id, run_id, stage, item, generation, request_hash, nth)
);

create table tegu.idempotency_keys (
    organization_id uuid not null,
    key text not null,
    request_hash text not null,
    run_id uuid not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, key)
);

create table tegu.workers (
    id uuid primary key,
    host text not null,
    pid int not null,
    version text not null,
    concurrency int not null,
    functions text[] not null default '{}',
    started_at timestamptz not null default clock_timestamp(),
    beat_at timestamptz not null default clock_timestamp(),
    lease_until timestamptz not null,
    dead_at timestamptz
);

-- Who may touch what. `tegu_app` acts for one organization, named by the setting tegu.organization_id; without it, it
-- sees nothing. `tegu_engine` drives every organization's runs and reaches the engine's tables only.
grant usage on schema tegu to tegu_app, tegu_engine;

do $$
declare
    name text;
    mine constant text := 'organization_id = (select nullif(current_setting(''tegu.organization_id'', true), '''')::uuid)';
begin
    foreach name in array array['users', 'blobs', 'mail_threads', 'mail_references', 'contents', 'texts', 'pipelines',
        'pipeline_versions', 'runs', 'stage_runs', 'stage_attempts', 'results', 'run_events', 'llm_requests',
        'llm_calls', 'llm_journal', 'idempotency_keys']
    loop
        execute format('alter table tegu.%I enable row level security', name);
        execute format('alter table tegu.%I force row level security', name);
        execute format('create policy organization on tegu.%I to tegu_app using (%s) with check (%s)', name, mine, mine);
    end loop;
    foreach name in array array['contents', 'blobs', 'mail_threads', 'texts', 'pipelines', 'pipeline_versions', 'runs',
        'stage_runs', 'stage_attempts', 'results', 'run_events', 'llm_requests', 'llm_calls', 'llm_journal', 'workers']
    loop
        execute format('alter table tegu.%I enable row level security', name);
        execute format('alter table tegu.%I force row level security', name);
        execute format('create policy engine on tegu.%I to tegu_engine using (true) with check (true)', name);
    end loop;
    alter table tegu.organizations enable row level security;
    alter table tegu.organizations force row level security;
    execute format('create policy organization on tegu.organizations to tegu_app using (%s)',
        replace(mine, 'organization_id =', 'id ='));
    create policy engine on tegu.organizations for select to tegu_engine using (true);
end $$;

grant select on tegu.organizations, tegu.users, tegu.stage_runs, tegu.stage_attempts, tegu.results, tegu.run_events,
    tegu.llm_journal to tegu_app;
grant select, insert on tegu.blobs, tegu.texts, tegu.pipelines, tegu.pipeline_versions,
    tegu.llm_requests to tegu_app;
grant select, insert, update on tegu.mail_threads, tegu.mail_references, tegu.contents, tegu.llm_calls,
    tegu.idempotency_keys to tegu_app;
-- An actor may start a run and ask for its cancellation; only the engine moves its status.
grant select, insert on tegu.runs to tegu_app;
grant update (cancel_requested_at, inbox, due_at) on tegu.runs to tegu_app;

-- Which Python stages there are workers for, so that a run can say what it waits for; nothing else of a worker.
create policy functions on tegu.workers for select to tegu_app using (dead_at is null);
grant select (functions, dead_at, lease_until) on tegu.workers to tegu_app;

grant select on tegu.organizations, tegu.contents, tegu.blobs, tegu.mail_threads, tegu.pipelines,
    tegu.pipeline_versions to tegu_engine;
grant select, insert on tegu.texts to tegu_engine;
grant select, insert, update on tegu.runs, tegu.stage_runs, tegu.stage_attempts, tegu.results, tegu.run_events,
    tegu.llm_requests, tegu.llm_calls, tegu.llm_journal to tegu_engine;
grant select, insert, update, delete on tegu.workers to tegu_engine;
