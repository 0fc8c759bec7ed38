-- Schedules whose time has come, one of each organization in turn, and in how many seconds the first of the others is due.
-- $1 how many at most
select s.organization_id, s.id,
    (select extract(epoch from min(next_at) - clock_timestamp())::float8 from tegu.schedules
     where next_at > statement_timestamp()) as others_in_s
from (select 1) one
left join lateral (
    select organization_id, id from (
        select organization_id, id, next_at, row_number() over (partition by organization_id order by next_at) as turn
        from tegu.schedules where next_at <= statement_timestamp()
    ) due
    order by turn, next_at limit $1
) s on true
