-- What lets a page of a host application show one run, or one review, to somebody who is no user here: for an hour at most.
--
-- Found by the hash of the token under tegu_engine, as keys are; whoever made it stands behind it: when they may come in no more, or may
-- less, so is it with the token. What it reaches is read each time, from the run or review that it names.

create table tegu.embed_tokens (
    organization_id uuid not null,
    id uuid not null,
    token_hash bytea not null,
    label text not null,
    run_id uuid,
    review_id uuid,
    may text not null check (may in ('read', 'decide')),
    role text not null check (role in ('owner', 'admin', 'editor', 'viewer')),
    made_by_kind text not null check (made_by_kind in ('user', 'key', 'library', 'host')),
    made_by uuid,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    primary key (organization_id, id),
    check ((run_id is null) <> (review_id is null)),
    check (may = 'read' or review_id is not null)
);
create unique index embed_tokens_by_hash on tegu.embed_tokens (token_hash);
create index embed_tokens_by_end on tegu.embed_tokens (organization_id, expires_at);

alter table tegu.embed_tokens enable row level security;
alter table tegu.embed_tokens force row level security;
create policy organization on tegu.embed_tokens to tegu_app
    using (organization_id = (select tegu.current_organization()))
    with check (organization_id = (select tegu.current_organization()));
create policy engine on tegu.embed_tokens for select to tegu_engine using (true);

grant insert, delete on tegu.embed_tokens to tegu_app;
grant select (organization_id, id, label, run_id, review_id, may, role, made_by_kind, made_by, created_at, expires_at)
    on tegu.embed_tokens to tegu_app;
grant select on tegu.embed_tokens to tegu_engine;
