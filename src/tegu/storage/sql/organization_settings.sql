-- What an organization has set for itself, for the engine. $1 organization
select o.model, s.providers, s.regions, s.store_llm, s.keep_events_days, s.keep_replies_days, s.keep_runs_days
from tegu.organizations o left join tegu.organization_settings s on s.organization_id = o.id
where o.id = $1
