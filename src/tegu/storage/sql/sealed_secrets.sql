-- Everything that is sealed, of all organizations: keys of providers, secrets of webhooks with those that they replaced, and
-- credentials of stages.
select 'provider_key' as noun, organization_id, id, provider as name, host, null as header, sealed from tegu.provider_keys
union all
select 'http_credential', organization_id, id, name, host, header, sealed from tegu.http_credentials
union all
select 'webhook', organization_id, id, null, null, null, secret from tegu.webhooks
union all
select 'webhook', organization_id, id, null, null, null, old_secret from tegu.webhooks where old_secret is not null
