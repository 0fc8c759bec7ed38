-- A reply was refused. It stays in the journal with the verdict, so that asking again replays too.
-- $1 organization, $2 call, $3 run, $4 stage, $5 item, $6 generation, $7 request hash, $8 nth, $9 problems
with call as (
    update tegu.llm_calls
    set status = 'rejected', error = jsonb_build_object('code', 'rejected', 'problems', $9::jsonb)
    where organization_id = $1 and id = $2 and not metadata ? 'erased'
)
update tegu.llm_journal set accepted = false, problems = $9::jsonb
where organization_id = $1 and run_id = $3 and stage = $4 and item = $5 and generation = $6 and request_hash = $7
    and nth = $8
