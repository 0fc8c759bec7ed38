-- Mark a content, what came with it, and the mailboxes whose bytes hold it, as deleted: nobody finds them from then on.
-- Of what was marked before, what is below it is looked at again. $1 organization, $2 content, $3 how many at most. How many.
with recursive below as (
    select c.id, c.parent_id from tegu.contents c where c.organization_id = $1 and c.id = $2
    union all
    select c.id, c.parent_id from below join tegu.contents c on c.organization_id = $1 and c.parent_id = below.id
),
meant as (
    select id from below
    union
    select p.id from below join tegu.contents p on p.organization_id = $1 and p.id = below.parent_id and p.media_type = 'application/mbox'
    union
    select l.mailbox_id from below join tegu.mailbox_messages l on l.organization_id = $1 and l.message_id = below.id
),
pick as materialized (
    select c.id from meant join tegu.contents c on c.organization_id = $1 and c.id = meant.id
    where c.deleted_at is null
    order by c.id
    limit $3
    for update of c
),
marked as (
    update tegu.contents c set deleted_at = clock_timestamp() from pick
    where c.organization_id = $1 and c.id = pick.id and c.deleted_at is null
    returning 1
)
select count(*)::int as contents from marked
