-- Drop runs that ended $2 seconds ago, with their stages, results and events, some at a time; their calls stay, without bodies.
-- A child goes with its root, or after it.
-- $1 organization, $3 the run looked at last, $4 how many runs. Returns how many runs went, and the run looked at last.
with looked as materialized (
    select id, status in ('completed', 'failed', 'cancelled') and coalesce(
            (select root.status in ('completed', 'failed', 'cancelled')
                and root.ended_at < statement_timestamp() - make_interval(secs => $2::float8)
            from tegu.runs root where root.organization_id = $1 and root.id = r.root_id),
            r.root_id is not null or ended_at < statement_timestamp() - make_interval(secs => $2::float8)) as is_old
    from tegu.runs r
    where organization_id = $1 and id > $3
        and id < (lpad(to_hex((extract(epoch from statement_timestamp() - make_interval(secs => $2::float8)) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
    order by id limit $4
    for no key update skip locked
),
old as materialized (select id from looked where is_old),
stage_runs as (delete from tegu.stage_runs t using old where t.organization_id = $1 and t.run_id = old.id),
attempts as (delete from tegu.stage_attempts t using old where t.organization_id = $1 and t.run_id = old.id),
results as (delete from tegu.results t using old where t.organization_id = $1 and t.run_id = old.id),
events as (delete from tegu.run_events t using old where t.organization_id = $1 and t.run_id = old.id),
signals as (delete from tegu.run_signals t using old where t.organization_id = $1 and t.run_id = old.id),
journal as (delete from tegu.llm_journal t using old where t.organization_id = $1 and t.run_id = old.id),
deliveries as (delete from tegu.hook_deliveries t using old where t.organization_id = $1 and t.run_id = old.id),
webhooks as (delete from tegu.webhook_deliveries t using old where t.organization_id = $1 and t.run_id = old.id),
reviews as (delete from tegu.reviews t using old where t.organization_id = $1 and t.run_id = old.id),
sizes as (delete from tegu.family_sizes t using old where t.organization_id = $1 and t.root_id = old.id),
costs as (delete from tegu.run_costs t using old where t.organization_id = $1 and t.run_id = old.id),
keys as (delete from tegu.idempotency_keys t using old where t.organization_id = $1 and t.run_id = old.id),
calls as (
    update tegu.llm_calls t set reply = null, metadata = t.metadata || '{"pruned": true}' from old
    where t.organization_id = $1 and t.run_id = old.id and t.reply is not null
),
gone as (delete from tegu.runs r using old where r.organization_id = $1 and r.id = old.id returning 1)
select (select count(*) from gone)::int as rows, (select id from looked order by id desc limit 1) as upto
