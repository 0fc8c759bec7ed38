-- A transaction of the app that is bound to no organization is a mistake, and is told so: it saw nothing until now, which
-- looks like an organization that has nothing.
--
-- Policies of tables that come later ask the same function.

create function tegu.current_organization() returns uuid language plpgsql stable parallel safe as $$
declare
    said constant text := current_setting('tegu.organization_id', true);
begin
    if said is null or said = '' then
        raise exception 'the transaction is bound to no organization' using errcode = 'insufficient_privilege';
    end if;
    return said::uuid;
end $$;

grant execute on function tegu.current_organization() to tegu_app;

do $$
declare
    found record;
    mine text;
begin
    for found in select tablename, policyname, qual, with_check from pg_policies
        where schemaname = 'tegu' and qual like '%tegu.organization_id%'
    loop
        mine := case when found.tablename = 'organizations' then 'id' else 'organization_id' end
            || ' = (select tegu.current_organization())';
        if found.with_check is null then
            execute format('alter policy %I on tegu.%I using (%s)', found.policyname, found.tablename, mine);
        else
            execute format('alter policy %I on tegu.%I using (%s) with check (%s)', found.policyname, found.tablename, mine, mine);
        end if;
    end loop;
end $$;
