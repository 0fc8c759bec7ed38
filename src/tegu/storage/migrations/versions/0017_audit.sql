-- The audit log: who asked for what, in the transaction that did it.
--
-- Append-only: the app's role may add and read rows, and neither change nor remove one. `target` holds ids and names that the
-- action declares, never contents. Rows go with their organization.

create table tegu.audit_events (
    organization_id uuid not null,
    id uuid not null,
    at timestamptz not null default clock_timestamp(),
    actor_kind text not null,
    actor_id uuid,
    actor_label text not null,
    action text not null,
    target jsonb not null,
    primary key (organization_id, id)
);

alter table tegu.audit_events enable row level security;
alter table tegu.audit_events force row level security;
create policy organization on tegu.audit_events to tegu_app
    using (organization_id = (select nullif(current_setting('tegu.organization_id', true), '')::uuid))
    with check (organization_id = (select nullif(current_setting('tegu.organization_id', true), '')::uuid));

grant select, insert on tegu.audit_events to tegu_app;
