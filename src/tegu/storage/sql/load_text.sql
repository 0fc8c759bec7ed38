-- Extracted text, or why there is none. $1 organization, $2 SHA-256, $3 media type, $4 parser version
select document, error from tegu.texts
where organization_id = $1 and sha256 = $2 and media_type = $3 and parser_version = $4
