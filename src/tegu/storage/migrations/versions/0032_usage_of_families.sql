-- Usage counts the runs that somebody started. Their children are counted by their calls: what is billed by the run must not depend on how
-- a pipeline is cut into others.

-- By day (of UTC), pipeline, provider and model. Its columns add up over any of them: a row is of calls, of runs or of contents.
-- Row security holds through it: it is read with the rights of whoever asks.
create or replace view tegu.usage with (security_invoker = true) as
select u.organization_id, o.external_id, u.day, p.name as pipeline, u.provider, u.model,
    u.runs, u.calls, u.input_tokens, u.cached_tokens, u.output_tokens, u.reasoning_tokens, u.cost_usd, u.unknown_costs,
    u.contents, u.content_bytes
from (
    select organization_id, (created_at at time zone 'UTC')::date as day, pipeline_id, null::text as provider, null::text as model,
        count(*) as runs, 0::bigint as calls, 0::bigint as input_tokens, 0::bigint as cached_tokens, 0::bigint as output_tokens,
        0::bigint as reasoning_tokens, 0::numeric as cost_usd, 0::bigint as unknown_costs, 0::bigint as contents, 0::bigint as content_bytes
    from tegu.runs where parent_id is null group by 1, 2, 3
    union all
    select c.organization_id, (c.created_at at time zone 'UTC')::date, coalesce(c.pipeline_id, r.pipeline_id), c.provider, c.model,
        0, count(*), coalesce(sum(c.input_tokens), 0), coalesce(sum(c.cached_tokens), 0), coalesce(sum(c.output_tokens), 0),
        coalesce(sum(c.reasoning_tokens), 0), coalesce(sum(c.cost_usd), 0),
        count(*) filter (where c.cost_usd is null and c.provider <> 'rules'), 0, 0
    from tegu.llm_calls c
    left join tegu.runs r on c.pipeline_id is null and r.organization_id = c.organization_id and r.id = c.run_id
    where c.answered_by = 'provider' group by 1, 2, 3, 4, 5
    union all
    select organization_id, (created_at at time zone 'UTC')::date, null, null, null, 0, 0, 0, 0, 0, 0, 0, 0, count(*), sum(size_bytes)::bigint
    from tegu.contents group by 1, 2
) u
join tegu.organizations o on o.id = u.organization_id
left join tegu.pipelines p on p.organization_id = u.organization_id and p.id = u.pipeline_id;
