-- Every table whose rows belong to organizations, quoted, runs first.
select quote_ident(c.relname) as name
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'organization_id' and not a.attisdropped
where c.relnamespace = 'tegu'::regnamespace and c.relkind in ('r', 'p')
order by c.relname <> 'runs', c.relname
