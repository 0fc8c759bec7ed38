-- Remember extracted text; the first wins. $1 organization, $2 SHA-256, $3 media type, $4 parser version, $5 document, $6 error
insert into tegu.texts (organization_id, sha256, media_type, parser_version, document, error)
values ($1, $2, $3, $4, $5::jsonb, $6::jsonb) on conflict do nothing
