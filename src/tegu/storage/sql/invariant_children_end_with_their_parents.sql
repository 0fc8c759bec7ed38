-- What a run started ends within minutes of its end, and the end of a child has been passed on to its parent.
-- $1 how many rows
(
    select c.organization_id, c.id as run_id, format('is %s, but its parent %s ended at %s', c.status, p.id, p.ended_at) as detail
    from tegu.runs c join tegu.runs p on p.organization_id = c.organization_id and p.id = c.parent_id
    where c.status in ('pending', 'running', 'waiting') and c.cancel_requested_at is null
        and p.ended_at < statement_timestamp() - interval '5 minutes'
    limit $1
)
union all
(
    select w.organization_id, w.run_id, format('was not told that its child %s ended at %s', c.id, c.ended_at)
    from tegu.run_wakes w join tegu.runs c on c.organization_id = w.organization_id and c.id = w.child_id
    where c.ended_at < statement_timestamp() - interval '5 minutes'
    limit $1
)
