-- Mark the e-mails from or to an address, their attachments, and the mailboxes whose bytes hold them, as deleted; some at a time.
-- $1 organization, $2 erasure, $3 how many contents are looked at. How many were marked, and whether there are more to look at.
with recursive asked as materialized (
    select e.address, e.looked_upto from tegu.erasures e where e.organization_id = $1 and e.id = $2
),
looked as materialized (
    select c.id, c.parent_id, c.deleted_at is null and c.media_type = 'message/rfc822' and (
        lower(c.metadata ->> 'sender') = asked.address
        or exists (
            select 1 from jsonb_array_elements_text(
                case when jsonb_typeof(c.metadata -> 'to') = 'array' then c.metadata -> 'to' else '[]' end
                || case when jsonb_typeof(c.metadata -> 'cc') = 'array' then c.metadata -> 'cc' else '[]' end) a
            where lower(a) = asked.address)) as is_meant
    from asked cross join lateral (
        select * from tegu.contents c where c.organization_id = $1 and c.id > asked.looked_upto order by c.id limit $3
    ) c
),
below as (
    select id, parent_id from looked where is_meant
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
    for update of c
),
marked as (
    update tegu.contents c set deleted_at = clock_timestamp() from pick
    where c.organization_id = $1 and c.id = pick.id and c.deleted_at is null
    returning 1
),
moved as (
    update tegu.erasures e set looked_upto = coalesce((select id from looked order by id desc limit 1), e.looked_upto)
    where e.organization_id = $1 and e.id = $2
)
select (select count(*) from marked)::int as contents, (select count(*) from looked)::int >= $3 as has_more
