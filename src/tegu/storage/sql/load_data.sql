-- Bytes. $1 organization, $2 SHA-256
select data from tegu.blobs where organization_id = $1 and sha256 = $2
