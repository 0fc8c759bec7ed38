-- How many runs a family has been started, by its root: pipelines nest eight deep, loop a hundred times and map over a hundred thousand
-- items, which multiply. Whoever starts children counts them in the same transaction, and is refused beyond the operator's limit.
--
-- A table of its own: the root's row is its owner's, who would wait for every child that is started. Families that were started before
-- are counted from now on; a worker of an older release does not count.
--
-- Lock order: after the runs.

create table tegu.family_sizes (
    organization_id uuid not null,
    root_id uuid not null,
    runs int not null,
    primary key (organization_id, root_id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

alter table tegu.family_sizes enable row level security;
alter table tegu.family_sizes force row level security;
create policy organization on tegu.family_sizes to tegu_app using (organization_id = (select tegu.current_organization()))
    with check (organization_id = (select tegu.current_organization()));
create policy engine on tegu.family_sizes to tegu_engine using (true) with check (true);
grant select on tegu.family_sizes to tegu_app;
grant select, insert, update, delete on tegu.family_sizes to tegu_engine;
