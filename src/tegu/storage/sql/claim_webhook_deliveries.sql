-- Take due deliveries of webhooks, the organizations in turn, and within each its webhooks: what one receiver has waiting or
-- under way keeps no other waiting. Under way are those that anybody sends now. Their due_at is ours until then.
-- $1 how many, $2 how many to one webhook, $3 to one host, $4 of one organization at once, $5 seconds until others may take them, $6 token
with recursive sent as materialized (
    select d.organization_id, d.webhook_id, k.host from tegu.webhook_deliveries d
    join tegu.webhooks k on k.organization_id = d.organization_id and k.id = d.webhook_id
    where d.status = 'pending' and d.token is not null and d.due_at > statement_timestamp()
),
lane as (
    (select organization_id, webhook_id from tegu.webhook_deliveries where status = 'pending'
    order by organization_id, webhook_id limit 1)
    union all
    select n.organization_id, n.webhook_id from lane cross join lateral (
        select d.organization_id, d.webhook_id from tegu.webhook_deliveries d
        where d.status = 'pending' and (d.organization_id, d.webhook_id) > (lane.organization_id, lane.webhook_id)
        order by d.organization_id, d.webhook_id limit 1
    ) n
),
due as materialized (
    select d.organization_id, d.id, d.webhook_id, d.due_at, k.host,
        (select count(*) from sent where sent.organization_id = k.organization_id and sent.webhook_id = k.id)
            + row_number() over (partition by d.organization_id, d.webhook_id order by d.due_at) as turn
    from lane
    join tegu.webhooks k on k.organization_id = lane.organization_id and k.id = lane.webhook_id and k.disabled_at is null
    cross join lateral (
        select organization_id, id, webhook_id, due_at from tegu.webhook_deliveries
        where organization_id = k.organization_id and webhook_id = k.id and status = 'pending'
            and due_at <= statement_timestamp()
        order by due_at
        limit $2
        for no key update skip locked
    ) d
),
placed as (
    select organization_id, id, due_at,
        (select count(*) from sent where sent.host = due.host)
            + row_number() over (partition by host order by turn, due_at) as host_turn,
        (select count(*) from sent where sent.organization_id = due.organization_id)
            + row_number() over (partition by organization_id order by turn, due_at) as organization_turn
    from due where turn <= $2
),
pick as materialized (
    select organization_id, id from placed where host_turn <= $3 and organization_turn <= $4
    order by organization_turn, due_at limit $1
),
taken as (
    update tegu.webhook_deliveries d
    set attempt = d.attempt + 1, token = $6, attempted_at = clock_timestamp(),
        due_at = clock_timestamp() + make_interval(secs => $5::float8)
    from pick where d.organization_id = pick.organization_id and d.id = pick.id
    returning d.organization_id, d.id, d.webhook_id, d.event, d.subject, d.run_id, d.data, d.body, d.attempt, d.created_at
)
select t.*, k.url, k.sends_results, k.secret, case when k.old_secret_until > statement_timestamp() then k.old_secret end as old_secret,
    o.external_id
from taken t
join tegu.webhooks k on k.organization_id = t.organization_id and k.id = t.webhook_id
join tegu.organizations o on o.id = t.organization_id
