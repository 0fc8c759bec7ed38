-- Which version a pipeline's name means, and pipelines that are archived.
--
-- `current_number` null: the version with the greatest number, which is what the name meant until now, and what it means
-- again as soon as that one is current; so what workers of an older release publish is still found. A number: a version
-- that somebody went back to, or that stays current while another is stored that is not meant by the name.
--
-- `archived_at` has been there from the first schema; now it can be set.

set local lock_timeout = '5s';

alter table tegu.pipelines add column current_number int;

grant update (current_number, archived_at) on tegu.pipelines to tegu_app;
