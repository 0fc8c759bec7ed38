-- Bound an organization no more, and count nothing of it. $1 organization
with months as (delete from tegu.spend_months where organization_id = $1)
delete from tegu.quotas where organization_id = $1
