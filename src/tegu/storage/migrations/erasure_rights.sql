-- The engine's right to delete what a deleted organization left, in every table that has organizations: run after every migration,
-- over the catalog, so that no table is forgotten. What it may not delete otherwise (the ledger, the audit log) it may not
-- delete of an organization that is not marked as deleted.
do $$
declare
    found record;
    gone constant text := 'organization_id in (select o.id from tegu.organizations o where o.deleted_at is not null)';
begin
    for found in
        select c.oid, c.relname as name,
            has_table_privilege('tegu_engine', c.oid, 'delete') as may_delete,
            exists (select 1 from pg_policy p where p.polrelid = c.oid and p.polname = 'engine' and p.polcmd = '*') as is_engines
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'organization_id' and not a.attisdropped
        where c.relnamespace = 'tegu'::regnamespace and c.relkind in ('r', 'p')
    loop
        continue when found.may_delete;
        if found.is_engines then
            execute format('drop policy if exists only_of_deleted on tegu.%I', found.name);
            execute format('create policy only_of_deleted on tegu.%I as restrictive for delete to tegu_engine using (%s)', found.name, gone);
        else
            execute format('drop policy if exists of_deleted on tegu.%I', found.name);
            execute format('create policy of_deleted on tegu.%I to tegu_engine using (%s)', found.name, gone);
        end if;
        execute format('grant select, delete on tegu.%I to tegu_engine', found.name);
    end loop;
    -- The organization itself: its row is replaced by a tombstone.
    drop policy if exists of_deleted on tegu.organizations;
    create policy of_deleted on tegu.organizations to tegu_engine using (deleted_at is not null) with check (deleted_at is not null);
    grant select, delete, insert (id, name, created_at, deleted_at, erased_at), update (erased_at) on tegu.organizations to tegu_engine;
end $$;
