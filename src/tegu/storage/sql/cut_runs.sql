-- End runs whose content is deleted, whoever owns them: `pending`, `running` and `waiting` become `cancelled`, as the table of moves
-- allows, and the epoch rises, so that an owner who does not know yet writes nothing any more. What ended before stays so.
-- $1 organization, $2 runs
with pick as materialized (
    select id, status not in ('completed', 'failed', 'cancelled') as is_live from tegu.runs
    where organization_id = $1 and id = any($2::uuid[]) and erased_at is null
    order by id
    for update
),
cut as (
    update tegu.runs r
    set status = case when pick.is_live then 'cancelled' else r.status end,
        owner = null, due_at = null, epoch = r.epoch + 1, rev = r.rev + 1, last_seq = r.last_seq + pick.is_live::int,
        cancel_requested_at = case when pick.is_live then coalesce(r.cancel_requested_at, clock_timestamp()) else r.cancel_requested_at end,
        ended_at = coalesce(r.ended_at, clock_timestamp()), erased_at = clock_timestamp(), metadata = '{}',
        input = null, edits = null,
        error = case
            when pick.is_live then jsonb_build_object('code', 'erased', 'message', 'its content was deleted')
            when r.error is not null then jsonb_build_object('code', r.error -> 'code', 'stage', r.error -> 'stage') end
    from pick
    where r.organization_id = $1 and r.id = pick.id
    returning r.id, r.pipeline_id, r.last_seq, r.status, r.parent_id, r.has_children, pick.is_live
),
stages as (
    update tegu.stage_runs s set status = 'cancelled', due_at = null, ended_at = clock_timestamp() from cut
    where s.organization_id = $1 and s.run_id = cut.id and s.status in ('pending', 'running', 'waiting')
),
events as (
    insert into tegu.run_events (organization_id, run_id, seq, kind) select $1, id, last_seq, 'run.cancelled' from cut where is_live
),
deliveries as (
    insert into tegu.hook_deliveries (organization_id, run_id, hook)
    select $1, cut.id, k.name from cut join tegu.hooks k on k.event in ('run.cancelled', 'run.ended')
    where cut.is_live and cut.parent_id is null and (k.pipeline is null or exists (
        select 1 from tegu.pipelines p where p.organization_id = $1 and p.id = cut.pipeline_id and p.name = k.pipeline))
    on conflict do nothing
),
told as (
    insert into tegu.webhook_deliveries (organization_id, id, webhook_id, event, subject, run_id)
    select $1, tegu.new_id(), k.id, 'run.cancelled', cut.id::text, cut.id
    from cut join tegu.webhooks k on k.organization_id = $1 and 'run.cancelled' = any (k.events)
    where cut.is_live and cut.parent_id is null and k.disabled_at is null and (k.pipelines is null or exists (
        select 1 from tegu.pipelines p where p.organization_id = $1 and p.id = cut.pipeline_id and p.name = any (k.pipelines)))
    on conflict do nothing
),
woken as (
    insert into tegu.run_wakes (organization_id, run_id, child_id)
    select $1, parent_id, id from cut where is_live and parent_id is not null
    on conflict do nothing
),
orphaned as (
    insert into tegu.child_cancels (organization_id, run_id) select $1, id from cut where is_live and has_children
)
select count(*)::int as runs from cut
