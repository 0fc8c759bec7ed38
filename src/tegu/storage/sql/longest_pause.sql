-- The pause of a key that lasts longest. $1 organization, $2 key
select (state ->> 'paused_until_s')::float8 as until_s, state ->> 'paused_why' as why
from tegu.llm_limits where organization_id = $1 and key = $2
order by 1 desc limit 1
