-- Schedules whose time has come, the longest ago first, and in how many seconds the first of the others is due.
-- $1 how many at most
select s.organization_id, s.id,
    (select extract(epoch from min(next_at) - clock_timestamp())::float8 from tegu.schedules
     where next_at > clock_timestamp()) as others_in_s
from (select 1) one
left join lateral (
    select organization_id, id from tegu.schedules where next_at <= clock_timestamp() order by next_at limit $1
) s on true
