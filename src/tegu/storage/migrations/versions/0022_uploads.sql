-- Uploads that come in parts, over several connections and perhaps to several processes.
--
-- A part is stored before it is acknowledged: `offset_bytes` rises with it, from exactly the offset that its sender named, so
-- that of two who send the same part one is refused. A finished upload keeps no bytes and no name, only which content it
-- became, for a client that did not hear so; all of it goes when it has expired.
-- Lock order: the row of the upload, then its parts.

create table tegu.uploads (
    organization_id uuid not null,
    id uuid not null,
    length_bytes bigint not null check (length_bytes > 0),
    offset_bytes bigint not null default 0 check (offset_bytes between 0 and length_bytes),
    name text,
    source_type text check (source_type in ('file', 'email', 'api', 'manual')),
    external_id text,
    metadata jsonb,
    content_id uuid,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    primary key (organization_id, id)
);

create table tegu.upload_parts (
    organization_id uuid not null,
    upload_id uuid not null,
    start_byte bigint not null,
    data bytea not null,
    primary key (organization_id, upload_id, start_byte),
    foreign key (organization_id, upload_id) references tegu.uploads (organization_id, id) on delete cascade
);
-- Not compressed: it is read once, and written again as a blob.
alter table tegu.upload_parts alter column data set storage external;

do $$
declare
    name text;
    mine constant text := 'organization_id = (select tegu.current_organization())';
begin
    foreach name in array array['uploads', 'upload_parts'] loop
        execute format('alter table tegu.%I enable row level security', name);
        execute format('alter table tegu.%I force row level security', name);
        execute format('create policy organization on tegu.%I to tegu_app using (%s) with check (%s)', name, mine, mine);
        execute format('create policy engine on tegu.%I to tegu_engine using (true) with check (true)', name);
    end loop;
end $$;

grant select, insert, delete on tegu.uploads, tegu.upload_parts to tegu_app;
grant update (offset_bytes, content_id, name, source_type, external_id, metadata) on tegu.uploads to tegu_app;
grant select, delete on tegu.uploads, tegu.upload_parts to tegu_engine;
