-- The contents that came with one, in order: attachments, the messages of a mailbox. $1 organization, $2 content, $3 how many at most
select id from tegu.contents where organization_id = $1 and parent_id = $2 and deleted_at is null order by position, id limit $3
