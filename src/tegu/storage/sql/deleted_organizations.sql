-- Organizations that are deleted, and of which something may be left.
select o.id from tegu.organizations o where o.deleted_at is not null and o.erased_at is null order by o.deleted_at
