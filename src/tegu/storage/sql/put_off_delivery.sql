-- A hook was called in vain: try again later, or (no $5) give up. $6 is the error; handed back, the attempt does not count ($7).
-- $1 organization, $2 run, $3 hook, $4 token, $5 seconds, $6 error, $7 whether it counts
update tegu.hook_deliveries
set due_at = clock_timestamp() + make_interval(secs => coalesce($5::float8, 0)), token = null,
    error = coalesce($6::text::jsonb, error), attempt = attempt - case when $7::boolean then 0 else 1 end,
    failed_at = case when $5::float8 is null then clock_timestamp() end
where organization_id = $1 and run_id = $2 and hook = $3 and token = $4
