-- Versions that nobody has published: what somebody tried before it was finished, and what a fork ran with another configuration.
--
-- They have numbers, since runs are of them, and a pipeline's name never means one. A pipeline of which there are only such has
-- `current_number` 0: its name means nothing yet. A draft that is published is none any more.

set local lock_timeout = '5s';

alter table tegu.pipeline_versions add column is_draft boolean not null default false;

grant update (is_draft) on tegu.pipeline_versions to tegu_app;
