-- Lock a limit, or with $4 all limits of its key, and read what is stored of each. $1 organization, $2 key, $3 model
select model, state, extract(epoch from clock_timestamp())::float8 as now_s
from tegu.llm_limits
where organization_id = $1 and key = $2 and (model = $3 or $4::boolean)
order by model
for update
