-- Re-runs: a run that is made from another one.
--
-- `reuse_from` is a run over the same input: a stage whose fingerprint is that of a completed stage of it takes that one's output
-- and results, and asks nobody. `reused_from` of the stage run then says whose they were in the first place.
--
-- `forked_from` is the run that this one goes on from, at `fork_stage`. The stages before that are copied when the run is started,
-- by whoever starts it, with no attempt of their own; `edits` says what was changed, and by whom. `pinned_at` is the time of the
-- run that it was forked from: what it sees of a mail thread, and what its stages call now, is as it was.
--
-- A crash of a re-run is recovered from its own journal, which has no row of the other run.

set local lock_timeout = '5s'; -- whoever waits for the table makes everybody wait: rather try again
alter table tegu.runs
    add column forked_from uuid,
    add column fork_stage text,
    add column edits jsonb,
    add column reuse_from uuid,
    add column pinned_at timestamptz,
    add check ((forked_from is null) = (fork_stage is null)) not valid;
alter table tegu.stage_runs add column reused_from uuid;

-- By the run and not by the organization first, for the reason that 0014 gives.
create index runs_forked_from on tegu.runs (forked_from) where forked_from is not null;

-- An actor may copy what a run has ended with into a run that it starts; every other stage run is the engine's.
grant insert on tegu.stage_runs, tegu.results to tegu_app;
create policy copied on tegu.stage_runs as restrictive for insert to tegu_app
    with check (organization_id = (select tegu.current_organization())
        and reused_from is not null and attempt = 0 and status in ('completed', 'skipped', 'cancelled'));
create policy copied on tegu.results as restrictive for insert to tegu_app
    with check (organization_id = (select tegu.current_organization()) and exists (
        select 1 from tegu.stage_runs s
        where s.organization_id = results.organization_id and s.run_id = results.run_id and s.stage = results.stage
            and s.item = results.item and s.reused_from is not null and s.attempt = 0 and s.status = 'completed'));
