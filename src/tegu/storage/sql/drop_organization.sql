-- Take the row of a deleted organization, with its name and whatever else it has; a tombstone takes its place. $1 organization
delete from tegu.organizations o where o.id = $1 and o.deleted_at is not null returning o.created_at, o.deleted_at
