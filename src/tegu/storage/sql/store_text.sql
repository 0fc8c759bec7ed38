-- Remember extracted text, unless what it was read from is deleted by now; the first wins. $1 organization, $2 SHA-256, $3 media type, $4 parser version, $5 document, $6 error
insert into tegu.texts (organization_id, sha256, media_type, parser_version, document, error)
select $1, $2, $3, $4, $5::jsonb, $6::jsonb
where exists (select 1 from tegu.contents c where c.sha256 = $2 and c.organization_id = $1 and c.erased_at is null and c.deleted_at is null)
on conflict do nothing
