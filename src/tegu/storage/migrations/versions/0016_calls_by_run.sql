-- Calls of a run are found by the run first.
--
-- An index that begins with the organization looks as good as the primary key to a planner that has no statistics yet: storing
-- a reply then read every call of the organization, for the first minute of a new installation.
--
-- Built while calls cannot be written: it reads the table once. Workers of the version before need neither name.

create index llm_calls_of_run on tegu.llm_calls (run_id, created_at) where run_id is not null;
drop index tegu.llm_calls_run;
