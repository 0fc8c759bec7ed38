-- An organization's own keys of providers, sealed, for the engine. $1 organization
select provider, host, sealed, region from tegu.provider_keys where organization_id = $1
