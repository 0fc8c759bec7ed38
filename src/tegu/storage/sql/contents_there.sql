-- Which of these contents are there. $1 organization, $2 contents
select id from tegu.contents where organization_id = $1 and id = any($2::uuid[]) and deleted_at is null
