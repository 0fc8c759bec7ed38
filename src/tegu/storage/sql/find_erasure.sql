-- A deletion of contents as it stands. $1 organization, $2 erasure
select e.*, clock_timestamp() as now from tegu.erasures e where e.organization_id = $1 and e.id = $2
