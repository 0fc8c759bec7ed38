-- Hold a run while children of one of its stages are started: only while it is ours at this epoch, the stage under way, and nobody
-- has asked for its end. Whoever ends it meanwhile waits, and then sees that there are children. One row if so.
-- $1 organization, $2 run, $3 epoch
select depth from tegu.runs
where organization_id = $1 and id = $2 and epoch = $3 and status = 'running' and cancel_requested_at is null
for no key update
