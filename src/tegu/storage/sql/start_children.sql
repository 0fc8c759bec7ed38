-- Start children of a stage that is under way, after `lock_parent`; those that are there already are left alone. Begun work ends first:
-- a child goes before what its parent stood beside. Older tries of the stage are asked to end.
-- Where the parent reuses a run, a child reuses that one's child of the same place.
-- One row: how many runs were started by now in the whole family; null where none was.
-- $1 organization, $2 run, $3 stage, $4 its item, $5 try, $6 how much deeper; $7-$14 a child each: id, item, version (null: the parent's),
-- input, content (null: the parent's), stage, start and length of a slice
with parent as materialized (
    select p.* from tegu.runs p
    where p.organization_id = $1 and p.id = $2 and exists (
        select 1 from tegu.stage_runs s
        where s.organization_id = $1 and s.run_id = $2 and s.stage = $3 and s.item = $4 and s.status = 'running')
),
marked as (
    update tegu.runs r set has_children = true from parent
    where r.organization_id = $1 and r.id = $2 and not r.has_children
),
older as (
    insert into tegu.child_cancels (organization_id, run_id, stage, item, upto_try)
    select $1, $2, $3, $4, $5::int from parent where exists (
        select 1 from tegu.runs r
        where r.organization_id = $1 and r.parent_id = $2 and r.parent_stage = $3 and r.parent_try < $5::int
            and split_part(r.parent_item, ':', 1) = $4 and r.status not in ('completed', 'failed', 'cancelled'))
),
started as (
    insert into tegu.runs (organization_id, id, pipeline_id, version_id, content_id, thread_id, functions, model, budget_usd, priority,
        triggered_by, metadata, root_id, parent_id, parent_stage, parent_item, parent_try, depth, input, slice_stage, slice_from, slice_of,
        budget_id, deadline_at, pinned_at, reuse_from)
    select $1, t.id, v.pipeline_id, v.id, case when t.content_id is null then parent.content_id else t.content_id end,
        case when t.content_id is null then parent.thread_id end, v.functions || '{child runs}', parent.model, parent.budget_usd,
        least(9, parent.priority + 1), parent.triggered_by, parent.metadata, coalesce(parent.root_id, parent.id), parent.id, $3, t.item,
        $5, parent.depth + $6, t.input::jsonb, t.slice_stage, t.slice_from, t.slice_of, coalesce(parent.budget_id, parent.id),
        case when t.slice_stage is null then clock_timestamp() + make_interval(secs => (v.document ->> 'deadline_s')::float8) end,
        coalesce(parent.pinned_at, parent.created_at), case when parent.reuse_from is not null and parent.fork_stage is distinct from $3 then (
            select earlier.id from tegu.runs earlier
            where earlier.organization_id = $1 and earlier.parent_id = parent.reuse_from and earlier.parent_stage = $3
                and earlier.parent_item = t.item
            order by earlier.parent_try desc limit 1) end
    from unnest($7::uuid[], $8::text[], $9::uuid[], $10::text[], $11::uuid[], $12::text[], $13::int[], $14::int[])
        t (id, item, version_id, input, content_id, slice_stage, slice_from, slice_of)
    cross join parent
    join tegu.pipeline_versions v on v.organization_id = $1 and v.id = coalesce(t.version_id, parent.version_id)
    where not exists (
        select 1 from tegu.runs r
        where r.organization_id = $1 and r.parent_id = $2 and r.parent_stage = $3 and r.parent_item = t.item and r.parent_try = $5)
    order by t.item
    on conflict do nothing
    returning id
),
counted as (
    insert into tegu.family_sizes as f (organization_id, root_id, runs)
    select $1, coalesce(parent.root_id, parent.id), (select count(*) from started)::int from parent
    where exists (select 1 from started)
    on conflict (organization_id, root_id) do update set runs = f.runs + excluded.runs
    returning runs
)
select max(runs) from counted
