-- The row that stays of a deleted organization: it has no name and no external id, and refuses whoever still has its id.
-- $1 organization, $2 when it was made, $3 when it was deleted, $4 whether nothing was found any more, $5 after how many seconds
-- that counts
insert into tegu.organizations (id, name, created_at, deleted_at, erased_at)
values ($1, '', $2, $3, case when $4::boolean and $3 < clock_timestamp() - make_interval(secs => $5::float8)
    then clock_timestamp() end)
