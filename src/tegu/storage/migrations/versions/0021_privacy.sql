-- Privacy: what is deleted, where calls may go, how much of them is kept, and the keys of providers.
--
-- Deleting is work that survives its process. `erasures` says what was asked for; it is done in bounded transactions by whoever
-- asked, and by every worker, until nothing is left. A content goes in three steps, each a fact of its row:
--
--     deleted_at     nobody finds it, and no run can be started over it
--     (its runs)     runs.erased_at: ended if it was under way, its owner fenced off; nothing readable is left of it
--     erased_at      bytes, text, names and metadata are gone: the row is a tombstone, as its run's rows are, with counts
--
-- Statements that were under way meanwhile may bring something back for a moment; an erasure ends only after a second look, when
-- all of those have ended.
--
-- An organization goes the same way: `deleted_at` refuses every transaction that is bound to it, then every table loses its rows
-- (the tables are found in the catalog, and `erasure_rights.sql` gives the rights after every migration), and `erased_at` says
-- that nothing was found any more. Its row stays, with no name and no external id.
--
-- Lock order: contents by id, then runs by id, then what belongs to them.

create table tegu.erasures (
    organization_id uuid not null,
    id uuid not null,
    content_id uuid,
    address text,
    looked_upto uuid not null default '00000000-0000-0000-0000-000000000000',
    contents int not null default 0,
    runs int not null default 0,
    calls int not null default 0,
    size_bytes bigint not null default 0,
    created_at timestamptz not null default clock_timestamp(),
    erased_at timestamptz,
    ended_at timestamptz,
    primary key (organization_id, id),
    check (num_nonnulls(content_id, address) = 1 or ended_at is not null),
    check (ended_at is null or (erased_at is not null and address is null))
);
create index erasures_under_way on tegu.erasures (created_at) where ended_at is null;

-- An e-mail of a mailbox that was there already, and has another parent or none: the mailbox's bytes hold it too.
create table tegu.mailbox_messages (
    organization_id uuid not null,
    message_id uuid not null,
    mailbox_id uuid not null,
    primary key (organization_id, message_id, mailbox_id)
);

create table tegu.organization_settings (
    organization_id uuid not null,
    providers text[],
    regions text[],
    store_llm text not null default 'full' check (store_llm in ('full', 'until_run_ends', 'hash')),
    keep_events_days float8 check (keep_events_days between 1 and 36500),
    keep_replies_days float8 check (keep_replies_days between 1 and 36500),
    keep_runs_days float8 check (keep_runs_days between 1 and 36500),
    updated_at timestamptz not null default clock_timestamp(),
    primary key (organization_id)
);

-- `sealed` opens with a key that is kept outside of the database, and only for this organization, provider and `host`.
create table tegu.provider_keys (
    organization_id uuid not null,
    id uuid not null,
    provider text not null,
    host text not null,
    sealed text not null,
    last4 text not null,
    region text,
    created_at timestamptz not null default clock_timestamp(),
    rotated_at timestamptz,
    primary key (organization_id, id),
    unique (organization_id, provider)
);

alter table tegu.contents add column erased_at timestamptz;
create index contents_bytes on tegu.contents (sha256) where erased_at is null;
create index contents_to_erase on tegu.contents (organization_id, id) where deleted_at is not null and erased_at is null;
create index contents_erased on tegu.contents (erased_at) where erased_at is not null;
create index mail_threads_merged on tegu.mail_threads (merged_into) where merged_into is not null;

set local lock_timeout = '5s';
alter table tegu.runs add column erased_at timestamptz;
-- By the content and not by the organization first, for the reason that 0014 gives.
create index runs_over_content on tegu.runs (content_id) where content_id is not null;
create index runs_over_thread on tegu.runs (thread_id) where thread_id is not null;
create index runs_erased on tegu.runs (erased_at) where erased_at is not null;

-- `is_passing`: its bodies go when its run has ended. `store_llm` decides when the call begins.
alter table tegu.llm_calls add column is_passing boolean not null default false;
create index llm_calls_passing on tegu.llm_calls (run_id) where is_passing;
create index llm_calls_request on tegu.llm_calls (request_hash);

alter table tegu.organizations add column deleted_at timestamptz, add column erased_at timestamptz;
create index organizations_to_erase on tegu.organizations (deleted_at) where deleted_at is not null and erased_at is null;

do $$
declare
    name text;
begin
    foreach name in array array['erasures', 'mailbox_messages', 'organization_settings', 'provider_keys'] loop
        execute format('alter table tegu.%I enable row level security', name);
        execute format('alter table tegu.%I force row level security', name);
        execute format('create policy organization on tegu.%I to tegu_app using (organization_id = (select tegu.current_organization()))'
            ' with check (organization_id = (select tegu.current_organization()))', name);
        execute format('create policy engine on tegu.%I to tegu_engine using (true) with check (true)', name);
    end loop;
end $$;

grant select, insert on tegu.erasures, tegu.mailbox_messages to tegu_app;
grant select, insert, update on tegu.organization_settings to tegu_app;
grant select, insert, delete on tegu.provider_keys to tegu_app;
grant update (host, sealed, last4, region, rotated_at) on tegu.provider_keys to tegu_app;
grant update (deleted_at) on tegu.organizations to tegu_app;

grant select, update on tegu.erasures to tegu_engine;
grant select, delete on tegu.mailbox_messages to tegu_engine;
grant select on tegu.organization_settings, tegu.provider_keys to tegu_engine;
grant update (sealed) on tegu.provider_keys to tegu_engine;

-- What erasing a content takes.
create policy engine on tegu.mail_references to tegu_engine using (true) with check (true);
create policy erasing on tegu.schedules for update to tegu_engine using (true) with check (true);
grant update (name, metadata, external_id, message_id, mail_key, sent_at, sha256, deleted_at, erased_at) on tegu.contents to tegu_engine;
grant update (subject) on tegu.mail_threads to tegu_engine;
grant update (spec, next_at, paused_at, last_error) on tegu.schedules to tegu_engine;
grant select, delete on tegu.blobs, tegu.texts, tegu.mail_references to tegu_engine;
