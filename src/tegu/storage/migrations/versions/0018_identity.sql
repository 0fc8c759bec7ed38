-- Who may come in: members and service accounts, their sessions and keys, invitations, and the links that sign people in.
--
-- A person in two organizations is two users with the same e-mail. An e-mail is never changed (no role may): whoever showed
-- that it is theirs may go to every organization that has a user with it, so a user is only made by somebody who showed it,
-- or by the operator.
--
-- Tokens, codes and keys are stored as SHA-256, and found by it under tegu_engine, which needs no organization; tegu_app,
-- which acts for one, cannot even read the hashes. Whatever proves who asks is looked up in its row for every request:
-- there is no copy that would outlive it.

alter table tegu.users
    alter column email drop not null,
    add column kind text not null default 'person' check (kind in ('person', 'service')),
    add column role text not null default 'viewer' check (role in ('owner', 'admin', 'editor', 'viewer')),
    add column disabled_at timestamptz,
    add column seen_at timestamptz,
    add constraint users_have_an_email check ((kind = 'person') = (email is not null));
create index users_by_email on tegu.users (lower(email));

-- Ends when it expires, when it was not used for its idle time, when it is deleted, with its user.
create table tegu.sessions (
    organization_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    token_hash bytea not null,
    user_agent text not null,
    created_at timestamptz not null default clock_timestamp(),
    seen_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    primary key (organization_id, id)
);
create unique index sessions_by_token on tegu.sessions (token_hash);
create index sessions_by_user on tegu.sessions (organization_id, user_id);

-- `made_by_key`: the key that made it, with which it is revoked.
create table tegu.api_keys (
    organization_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    name text not null,
    prefix text not null,
    key_hash bytea not null,
    role text not null check (role in ('owner', 'admin', 'editor', 'viewer')),
    scopes text[],
    pipelines text[],
    made_by_key uuid,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz,
    used_at timestamptz,
    revoked_at timestamptz,
    primary key (organization_id, id)
);
create unique index api_keys_by_hash on tegu.api_keys (key_hash);
create index api_keys_by_user on tegu.api_keys (organization_id, user_id);

create table tegu.invitations (
    organization_id uuid not null,
    id uuid not null,
    email text not null,
    role text not null check (role in ('owner', 'admin', 'editor', 'viewer')),
    token_hash bytea not null,
    invited_by uuid,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    accepted_at timestamptz,
    revoked_at timestamptz,
    primary key (organization_id, id)
);
create unique index invitations_by_token on tegu.invitations (token_hash);

-- One answers for all of the same e-mail, in whatever organization: when it is used, the others go. `flow_hash` is known to
-- the browser that asked, and only there the code is taken, `tries` times at most.
create table tegu.sign_in_links (
    organization_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    email text not null,
    token_hash bytea not null,
    flow_hash bytea not null,
    code_hash bytea not null,
    tries int not null default 0,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    used_at timestamptz,
    primary key (organization_id, id)
);
create unique index sign_in_links_by_token on tegu.sign_in_links (token_hash);
create unique index sign_in_links_by_flow on tegu.sign_in_links (flow_hash);
create index sign_in_links_by_email on tegu.sign_in_links (email);

-- How often somebody tried, by a hash of who or what: a fixed number of buckets, so that nobody can fill the table. Of no
-- organization, since nobody knows one yet: the id is zero.
create table tegu.sign_in_tries (
    organization_id uuid not null,
    bucket int not null,
    since timestamptz not null,
    count int not null,
    primary key (organization_id, bucket)
);

do $$
declare
    name text;
    mine constant text := 'organization_id = (select tegu.current_organization())';
begin
    foreach name in array array['sessions', 'api_keys', 'invitations', 'sign_in_links', 'sign_in_tries']
    loop
        execute format('alter table tegu.%I enable row level security', name);
        execute format('alter table tegu.%I force row level security', name);
        execute format('create policy organization on tegu.%I to tegu_app using (%s) with check (%s)', name, mine, mine);
        execute format('create policy engine on tegu.%I to tegu_engine using (true) with check (true)', name);
    end loop;
    create policy engine on tegu.users to tegu_engine using (true) with check (true);
end $$;

grant insert, delete on tegu.users to tegu_app;
grant update (display_name, role, disabled_at, seen_at) on tegu.users to tegu_app;
grant update (name) on tegu.organizations to tegu_app;
grant insert, delete on tegu.sessions, tegu.api_keys, tegu.invitations to tegu_app;
grant select (organization_id, id, user_id, user_agent, created_at, seen_at, expires_at) on tegu.sessions to tegu_app;
grant select (organization_id, id, user_id, name, prefix, role, scopes, pipelines, made_by_key, created_at, expires_at,
    used_at, revoked_at) on tegu.api_keys to tegu_app;
grant update (revoked_at) on tegu.api_keys to tegu_app;
grant select (organization_id, id, email, role, invited_by, created_at, expires_at, accepted_at, revoked_at)
    on tegu.invitations to tegu_app;
grant update (accepted_at, revoked_at) on tegu.invitations to tegu_app;
grant select (organization_id, user_id), delete on tegu.sign_in_links to tegu_app;
grant select (organization_id) on tegu.sign_in_tries to tegu_app;

grant select on tegu.users, tegu.sessions, tegu.api_keys, tegu.invitations to tegu_engine;
grant update (seen_at) on tegu.users, tegu.sessions to tegu_engine;
grant update (used_at) on tegu.api_keys to tegu_engine;
grant select, insert, update, delete on tegu.sign_in_links, tegu.sign_in_tries to tegu_engine;
