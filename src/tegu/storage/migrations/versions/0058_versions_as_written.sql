-- What is known of a version beside what it does: the text as its author wrote it, who published it, and of what a draft is an edit.
--
-- The text is none of what makes a version: publishing an equal document with other comments replaces it. It is null where a version was
-- given as data, and for those from before.
--
-- Drafts are numbered -1, -2, -3, and get the next number of the published ones when they are published, so that tries and forks take none
-- that people see. Drafts from before keep the numbers that they have: runs, and documents that nest them, name them by these.
--
-- A worker of the version before would number the first published version after drafts alone 0. It is refused rather than stored.

set local lock_timeout = '5s'; -- whoever waits for the table makes everybody wait: rather try again

alter table tegu.pipeline_versions
    add column edit_of int,
    add column source_text text check (length(source_text) <= 1000000),
    add column published_at timestamptz,
    add column published_by text,
    add constraint published_versions_are_numbered check (number > 0 or is_draft);

grant update (number, source_text, published_at, published_by) on tegu.pipeline_versions to tegu_app;
