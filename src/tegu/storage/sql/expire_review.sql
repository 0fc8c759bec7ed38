-- Close a review whose time is over, unless somebody was faster.
-- $1 organization, $2 review
update tegu.reviews set status = 'expired', decided_at = clock_timestamp()
where organization_id = $1 and id = $2 and status = 'open' and due_at <= clock_timestamp()
