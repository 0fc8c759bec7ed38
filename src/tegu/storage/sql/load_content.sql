-- One content. $1 organization, $2 content
select c.* from tegu.contents c where c.organization_id = $1 and c.id = $2 and c.deleted_at is null
