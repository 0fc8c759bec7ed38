-- The sets of Python stages that due runs without an owner need, with how many of them need each; of all organizations, of
-- whose due runs 100,000 are looked at.
select functions, count(*)::int as runs
from (
    select functions from tegu.runs
    where owner is null and due_at <= statement_timestamp() and cancel_requested_at is null
    limit 100000
) due
where functions <> '{}'
group by functions
order by count(*) desc
limit 100
