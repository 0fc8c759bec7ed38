-- Why runs wait that are not due yet: what the first waiting stage of each met, by its code, of $1 runs at most; of all
-- organizations. $1 runs to look at
with waiting as materialized (
    select organization_id, id from tegu.runs
    where owner is null and due_at > statement_timestamp() and status = 'waiting'
    limit $1
)
select coalesce(s.code, 'unknown') as code, count(*)::int as runs
from waiting left join lateral (
    select s.error ->> 'code' as code from tegu.stage_runs s
    where s.organization_id = waiting.organization_id and s.run_id = waiting.id and s.status = 'waiting'
    limit 1
) s on true
group by 1
order by count(*) desc, 1
limit 50
