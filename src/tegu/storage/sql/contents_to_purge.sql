-- Contents that are deleted and whose bytes are still there, locked. $1 organization, $2 how many at most
-- Those whose bytes are being stored again at this moment are left for the next time.
select pick.id from (
    select c.id, c.sha256 from tegu.contents c
    where c.organization_id = $1 and c.deleted_at is not null and c.erased_at is null
    order by c.id
    limit $2
    for update
) pick
where pg_try_advisory_xact_lock(hashtextextended('bytes ' || $1::uuid || ' ' || pick.sha256, 0))
