-- Hold a run while children of one of its stages are started: only while it is ours at this epoch, the stage under way, and nobody
-- has asked for its end. Whoever ends it meanwhile waits, and then sees that there are children. One row if so.
-- The transaction does not wait for the disk, so that nobody waits long for the size of the family: a crash that loses it loses all that
-- was stored later, too, and whoever takes the run over asks again.
-- $1 organization, $2 run, $3 epoch
select depth, set_config('synchronous_commit', 'off', true) from tegu.runs
where organization_id = $1 and id = $2 and epoch = $3 and status = 'running' and cancel_requested_at is null
for no key update
