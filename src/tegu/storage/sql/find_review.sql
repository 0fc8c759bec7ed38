-- The review of one try of a stage, and how long its time is not over yet.
-- $1 organization, $2 run, $3 stage, $4 item, $5 which retry of the stage
select id, status, corrected, comment, decided_by,
    extract(epoch from due_at - clock_timestamp())::float8 as due_in_s
from tegu.reviews where organization_id = $1 and run_id = $2 and stage = $3 and item = $4 and retry = $5
