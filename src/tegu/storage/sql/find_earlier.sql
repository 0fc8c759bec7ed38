-- The completed stage run of another run over the same input that has this fingerprint, with its results. Erased outputs are none.
-- Of several items those are equal; the one of the same number is taken, where it is among them.
-- $1 organization, $2 run that asks, $3 run that is looked at, $4 stage, $5 fingerprint, $6 item
select s.output, s.model, coalesce(s.reused_from, s.run_id) as reused_from, coalesce((
    select jsonb_agg(jsonb_build_object('type', o.type, 'key', o.key, 'data', o.data, 'confidence', o.confidence,
        'confidence_method', o.confidence_method, 'evidence', o.evidence, 'llm_call_id', o.llm_call_id) order by o.type, o.key)
    from tegu.results o
    where o.organization_id = s.organization_id and o.run_id = s.run_id and o.stage = s.stage and o.item = s.item), '[]') as results
from tegu.runs mine
join tegu.runs r on r.organization_id = mine.organization_id and r.content_id is not distinct from mine.content_id
    and r.thread_id is not distinct from mine.thread_id
join tegu.stage_runs s on s.organization_id = r.organization_id and s.run_id = r.id
where mine.organization_id = $1 and mine.id = $2 and r.id = $3 and r.erased_at is null
    and s.stage = $4 and s.status = 'completed' and s.fingerprint = $5 and s.output <> 'null'::jsonb
order by s.item <> $6
limit 1
