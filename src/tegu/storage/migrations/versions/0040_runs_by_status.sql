-- Lists and counts of runs by status: what people look at first, among hundreds of thousands of rows.
--
-- Runs that other runs started are in no such list. Built while runs cannot be written, as the lanes were (0014 says why): it reads
-- the table once.

set local lock_timeout = '30s';

create index runs_by_status on tegu.runs (organization_id, status, id) where parent_id is null;
