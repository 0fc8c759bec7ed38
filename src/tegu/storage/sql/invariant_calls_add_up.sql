-- A call that ended says when; tokens and cost are unknown or not negative; a replayed reply cost nothing.
-- $1 how many rows
select organization_id, run_id, format('call %s is %s: cost %s, tokens %s in and %s out, ended %s', id, status,
    coalesce(cost_usd::text, 'unknown'), coalesce(input_tokens::text, 'unknown'), coalesce(output_tokens::text, 'unknown'),
    coalesce(ended_at::text, 'never')) as detail
from tegu.llm_calls
where (status <> 'sent' and ended_at is null) or cost_usd < 0 or input_tokens < 0 or output_tokens < 0
    or (answered_by = 'journal' and cost_usd > 0)
limit $1
