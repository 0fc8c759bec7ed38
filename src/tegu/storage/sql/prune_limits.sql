-- Forget limits that nobody has used for a day; those who come back begin anew. $1 age in seconds
delete from tegu.llm_limits l
where l.visited_at < clock_timestamp() - make_interval(secs => $1)
    and not exists (
        select 1 from tegu.llm_limit_shares s
        where s.organization_id = l.organization_id and s.key = l.key and s.model = l.model
            and s.held_until > clock_timestamp())
