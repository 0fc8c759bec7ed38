-- Organizations of which a webhook wants to be told what a day came to.
select distinct organization_id from tegu.webhooks where disabled_at is null and 'usage.recorded' = any (events)
