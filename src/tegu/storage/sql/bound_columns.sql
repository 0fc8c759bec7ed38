-- Every column of every table whose rows belong to organizations, and of the organizations' own, with its place in the primary key.
select c.relname as table_name, a.attname as name, format_type(a.atttypid, null) as type,
    array_position(i.indkey::int2[], a.attnum) as key_place
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_index i on i.indrelid = c.oid and i.indisprimary
where c.relnamespace = 'tegu'::regnamespace and c.relkind in ('r', 'p')
    and (c.relname = 'organizations' or exists (
        select 1 from pg_attribute o
        where o.attrelid = c.oid and o.attname = 'organization_id' and not o.attisdropped))
order by c.relname, a.attnum
