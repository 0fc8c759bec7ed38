-- Record what the days that are over came to, by pipeline, and owe it to the webhooks that want it; a day that came to more meanwhile, as calls
-- were under way at its end, is recorded once more with the next revision. $1 organization, $2 how many days back, $3 seconds after a day's end
with found as materialized (
    select u.day, coalesce(u.pipeline, '') as pipeline, sum(u.runs)::bigint as runs, sum(u.calls)::bigint as calls,
        sum(u.input_tokens)::bigint as input_tokens, sum(u.cached_tokens)::bigint as cached_tokens,
        sum(u.output_tokens)::bigint as output_tokens, sum(u.reasoning_tokens)::bigint as reasoning_tokens,
        sum(u.cost_usd)::numeric(20, 10) as cost_usd, sum(u.unknown_costs)::bigint as unknown_costs,
        sum(u.content_bytes)::bigint as content_bytes
    from tegu.usage u
    where u.organization_id = $1
        and u.day >= ((statement_timestamp() - make_interval(secs => $3::float8)) at time zone 'UTC')::date - $2::int
        and u.day < ((statement_timestamp() - make_interval(secs => $3::float8)) at time zone 'UTC')::date
    group by 1, 2
),
recorded as (
    insert into tegu.usage_records as r (organization_id, day, pipeline, revision, runs, calls, input_tokens, cached_tokens, output_tokens,
        reasoning_tokens, cost_usd, unknown_costs, content_bytes)
    select $1, day, pipeline, 1, runs, calls, input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost_usd, unknown_costs,
        content_bytes
    from found order by day, pipeline
    on conflict (organization_id, day, pipeline) do update
    set revision = r.revision + 1, runs = excluded.runs, calls = excluded.calls, input_tokens = excluded.input_tokens,
        cached_tokens = excluded.cached_tokens, output_tokens = excluded.output_tokens, reasoning_tokens = excluded.reasoning_tokens,
        cost_usd = excluded.cost_usd, unknown_costs = excluded.unknown_costs, content_bytes = excluded.content_bytes,
        recorded_at = clock_timestamp()
    where excluded.runs >= r.runs and excluded.calls >= r.calls -- less, where runs were pruned since: what was told stands
        and (r.runs, r.calls, r.input_tokens, r.cached_tokens, r.output_tokens, r.reasoning_tokens, r.cost_usd, r.unknown_costs)
            is distinct from (excluded.runs, excluded.calls, excluded.input_tokens, excluded.cached_tokens, excluded.output_tokens,
                excluded.reasoning_tokens, excluded.cost_usd, excluded.unknown_costs)
    returning r.*
),
told as (
    insert into tegu.webhook_deliveries (organization_id, id, webhook_id, event, subject, data)
    select $1, tegu.new_id(), k.id, 'usage.recorded', format('%s %s %s', u.day, u.revision, u.pipeline), jsonb_build_object(
        'day', u.day, 'pipeline', nullif(u.pipeline, ''), 'revision', u.revision, 'runs', u.runs, 'calls', u.calls,
        'input_tokens', u.input_tokens, 'cached_tokens', u.cached_tokens, 'output_tokens', u.output_tokens,
        'reasoning_tokens', u.reasoning_tokens, 'cost_usd', trim_scale(u.cost_usd)::text, 'unknown_costs', u.unknown_costs,
        'content_bytes', u.content_bytes)
    from recorded u join tegu.webhooks k on k.organization_id = $1 and 'usage.recorded' = any (k.events)
    where k.disabled_at is null and (k.pipelines is null or u.pipeline = any (k.pipelines))
    on conflict do nothing
)
select count(*)::int from recorded
