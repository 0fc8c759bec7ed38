-- Everything that is sealed, of all organizations: keys of providers, and secrets of webhooks with those that they replaced.
select 'provider_key' as noun, organization_id, id, provider, host, sealed from tegu.provider_keys
union all
select 'webhook', organization_id, id, null, null, secret from tegu.webhooks
union all
select 'webhook', organization_id, id, null, null, old_secret from tegu.webhooks where old_secret is not null
