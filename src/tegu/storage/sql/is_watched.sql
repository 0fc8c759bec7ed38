-- Whether somebody follows the run and wants to see its replies grow. $1 organization, $2 run
select exists (
    select 1 from tegu.run_watches w
    where w.organization_id = $1 and w.run_id = $2 and w.until > clock_timestamp()
)
