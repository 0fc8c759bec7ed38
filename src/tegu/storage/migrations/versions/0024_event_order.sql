-- In which order events became visible, so that one question of a process follows the events of everybody whom it tells.
--
-- A number from a sequence is no cursor: whoever has the smaller one may commit later. A snapshot is: every transaction is
-- either visible in it or not, and those that were not are after its end or among the few that were under way. So an event
-- knows its transaction, and a follower the snapshot up to which it has read. Events from before this have none, and are
-- read by their run alone. The index does not serve queries without the transaction, so it tempts no planner.
--
-- How far a follower has read is told to it sealed with `cursor_key`, since the numbers count the transactions of everybody.
--
-- The index is built while events cannot be written: it reads the table once.

alter table tegu.run_events add column xact bigint;
alter table tegu.run_events alter column xact set default (pg_current_xact_id()::text::bigint);
create index run_events_by_xact on tegu.run_events (organization_id, xact) where xact is not null;

alter table tegu.organizations
    add column cursor_key bytea not null default uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
