-- The engine may drop what was kept long enough: what belongs to runs that ended, request bodies, idempotency keys.
-- Ledger rows (llm_calls) cannot be deleted by either role; only their bodies go.

grant delete on tegu.runs, tegu.stage_runs, tegu.stage_attempts, tegu.results, tegu.run_events, tegu.llm_journal,
    tegu.llm_requests to tegu_engine;
create policy engine on tegu.idempotency_keys to tegu_engine using (true) with check (true);
grant select, delete on tegu.idempotency_keys to tegu_engine;
