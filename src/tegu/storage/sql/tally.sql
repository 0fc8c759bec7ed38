-- Add what came since its mark to an organization's tallies, and move the mark; migration 0057 says how far. True where more can be
-- added at once. Where another worker is at it, nothing. $1 organization, $2 at most so many seconds of `created_at` at a time,
-- $3 seconds for which a statement may run: what it stores is no older than that when it gets its transaction's number
with mark as materialized (
    select m.upto, m.seen_at, case when m.seen_xact <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        then least(m.seen_at, m.upto + make_interval(secs => $2::float8)) else m.upto end as next
    from tegu.tally_marks m where m.organization_id = $1
    for update skip locked
),
fresh as materialized (
    select c.id, c.run_id, c.created_at, c.status, coalesce(c.pipeline_id, r.pipeline_id) as pipeline_id, c.provider, c.model,
        c.input_tokens, c.cached_tokens, c.output_tokens, c.reasoning_tokens, c.cost_usd, r.id is not null as has_run, r.root_id
    from mark join tegu.llm_calls c on c.organization_id = $1
        and c.id >= tegu.first_id(mark.upto - interval '1 day') and c.id < tegu.first_id(mark.next + interval '1 day')
        and c.created_at >= mark.upto and c.created_at < mark.next
    left join tegu.runs r on r.organization_id = $1 and r.id = c.run_id
    where c.answered_by = 'provider' and mark.next > mark.upto
),
late as (
    insert into tegu.late_calls (organization_id, call_id, created_at) select $1, id, created_at from fresh where status = 'sent'
),
arrived as (
    delete from tegu.late_calls l
    using mark cross join tegu.llm_calls c left join tegu.runs r on r.organization_id = $1 and r.id = c.run_id
    where l.organization_id = $1 and c.organization_id = $1 and c.id = l.call_id and c.status <> 'sent'
    returning c.run_id, c.created_at, coalesce(c.pipeline_id, r.pipeline_id) as pipeline_id, c.provider, c.model,
        c.input_tokens, c.cached_tokens, c.output_tokens, c.reasoning_tokens, c.cost_usd, r.id is not null as has_run, r.root_id
),
given_up as (
    -- Longer than any call may take: its worker died.
    delete from tegu.late_calls l using mark, tegu.llm_calls c
    where l.organization_id = $1 and l.created_at < clock_timestamp() - interval '30 days'
        and c.organization_id = $1 and c.id = l.call_id and c.status = 'sent'
),
part as (
    select created_at, pipeline_id, provider, model, 0 as runs, 1 as calls, input_tokens, cached_tokens, output_tokens,
        reasoning_tokens, cost_usd, (cost_usd is null and provider not in ('demo', 'rules'))::int as unknown_costs, 0 as contents,
        0::bigint as content_bytes
    from fresh
    union all
    select created_at, pipeline_id, provider, model, 0, 0, input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost_usd,
        -(cost_usd is not null and provider not in ('demo', 'rules'))::int, 0, 0
    from arrived
    union all
    select r.created_at, r.pipeline_id, '', '', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0
    from mark join tegu.runs r on r.organization_id = $1
        and r.id >= tegu.first_id(mark.upto - interval '1 day') and r.id < tegu.first_id(mark.next + interval '1 day')
        and r.created_at >= mark.upto and r.created_at < mark.next
    where r.parent_id is null and mark.next > mark.upto
    union all
    select c.created_at, null, '', '', 0, 0, 0, 0, 0, 0, 0, 0, 1, c.size_bytes
    from mark join tegu.contents c on c.organization_id = $1
        and c.id >= tegu.first_id(mark.upto - interval '1 day') and c.id < tegu.first_id(mark.next + interval '1 day')
        and c.created_at >= mark.upto and c.created_at < mark.next
    where mark.next > mark.upto
),
tallied as (
    insert into tegu.usage_tallies as t (organization_id, day, pipeline_id, provider, model, runs, calls, input_tokens, cached_tokens,
        output_tokens, reasoning_tokens, cost_usd, unknown_costs, contents, content_bytes)
    select $1, (created_at at time zone 'UTC')::date, coalesce(pipeline_id, '00000000-0000-0000-0000-000000000000'), provider, model,
        sum(runs), sum(calls), coalesce(sum(input_tokens), 0), coalesce(sum(cached_tokens), 0), coalesce(sum(output_tokens), 0),
        coalesce(sum(reasoning_tokens), 0), coalesce(sum(cost_usd), 0), sum(unknown_costs), sum(contents), sum(content_bytes)
    from part group by 2, 3, 4, 5
    on conflict (organization_id, day, pipeline_id, provider, model) do update
    set runs = t.runs + excluded.runs, calls = t.calls + excluded.calls, input_tokens = t.input_tokens + excluded.input_tokens,
        cached_tokens = t.cached_tokens + excluded.cached_tokens, output_tokens = t.output_tokens + excluded.output_tokens,
        reasoning_tokens = t.reasoning_tokens + excluded.reasoning_tokens, cost_usd = t.cost_usd + excluded.cost_usd,
        unknown_costs = t.unknown_costs + excluded.unknown_costs, contents = t.contents + excluded.contents,
        content_bytes = t.content_bytes + excluded.content_bytes
),
cost as (
    select run_id, root_id, cost_usd from fresh where has_run and cost_usd > 0
    union all
    select run_id, root_id, cost_usd from arrived where has_run and cost_usd > 0
),
costs as (
    -- A call is its run's, and that of the run at the top, where that is another.
    insert into tegu.run_costs as k (organization_id, run_id, cost_e10)
    select $1, id, sum(cost_usd * 10000000000)::bigint from (
        select run_id as id, cost_usd from cost
        union all
        select root_id, cost_usd from cost where root_id is not null and root_id <> run_id) of_run
    group by id
    on conflict (organization_id, run_id) do update set cost_e10 = k.cost_e10 + excluded.cost_e10
),
moved as (
    update tegu.tally_marks m
    set upto = mark.next, live_from = tegu.first_id(mark.next - interval '1 hour'),
        seen_at = case when mark.next >= mark.seen_at
            then greatest(mark.next, statement_timestamp() - make_interval(secs => $3::float8)) else m.seen_at end,
        seen_xact = case when mark.next >= mark.seen_at
            then pg_current_xact_id()::text::bigint else m.seen_xact end
    from mark where m.organization_id = $1
)
select coalesce((select next > upto and next < seen_at from mark), false)
