-- Backfills whose runs are to be started, or may have ended. $1 how many at most
select organization_id, id from tegu.backfills where status = 'running' order by id limit $1
