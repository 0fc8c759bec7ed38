-- Every limit with what its processes hold together, those that were used last first; at most $1.
select l.key, l.provider, l.model, l.state, l.visited_at, extract(epoch from clock_timestamp())::float8 as now_s,
    coalesce(s.processes, 0)::int as processes, coalesce(s.in_flight, 0)::int as in_flight, coalesce(s.waiting, 0)::int as waiting
from tegu.llm_limits l left join lateral (
    select count(*) as processes, sum(in_flight) as in_flight, sum(waiting) as waiting from tegu.llm_limit_shares s
    where s.organization_id = l.organization_id and s.key = l.key and s.model = l.model and s.held_until > clock_timestamp()
) s on true
order by l.visited_at desc
limit $1
