-- A credential of an organization's by its name. $1 organization, $2 name
select id, name, host, header, sealed from tegu.http_credentials where organization_id = $1 and name = $2
