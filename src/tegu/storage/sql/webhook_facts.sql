-- What a webhook tells of a run; its results where they are wanted. $1 organization, $2 run, $3 whether with results
select jsonb_build_object(
        'run_id', r.id, 'pipeline', p.name, 'version', v.number, 'status', r.status, 'triggered_by', r.triggered_by,
        'content_id', r.content_id, 'content_external_id', c.external_id, 'thread_id', r.thread_id,
        'metadata', r.metadata, 'error', r.error,
        'created_at', r.created_at, 'started_at', r.started_at, 'ended_at', r.ended_at,
        'calls', t.calls, 'input_tokens', t.input_tokens, 'output_tokens', t.output_tokens,
        'cost_usd', trim_scale(t.cost_usd)::text, 'unknown_costs', t.unknown_costs) as facts,
    case when $3::boolean then (
        select coalesce(jsonb_agg(jsonb_build_object('stage', o.stage, 'type', o.type, 'key', o.key, 'data', o.data,
            'confidence', o.confidence, 'confidence_method', o.confidence_method) order by o.created_at, o.stage, o.type, o.key), '[]')
        from (select * from tegu.results o where o.organization_id = r.organization_id and o.run_id = r.id limit 1000) o
    ) end as results
from tegu.runs r
join tegu.pipelines p on p.organization_id = r.organization_id and p.id = r.pipeline_id
join tegu.pipeline_versions v on v.organization_id = r.organization_id and v.id = r.version_id
left join tegu.contents c on c.organization_id = r.organization_id and c.id = r.content_id
cross join lateral (
    select count(*)::int as calls, coalesce(sum(l.input_tokens), 0) as input_tokens,
        coalesce(sum(l.output_tokens), 0) as output_tokens, coalesce(sum(l.cost_usd), 0) as cost_usd,
        (count(*) filter (where l.cost_usd is null and l.provider <> 'rules'))::int as unknown_costs
    from tegu.llm_calls l where l.organization_id = r.organization_id and l.run_id = r.id and l.answered_by = 'provider'
) t
where r.organization_id = $1 and r.id = $2
