-- Bound what an organization may use; its counters begin with what there is. $1 organization, $2 runs a day, $3 bytes, $4 US dollars a month
insert into tegu.quotas as q (organization_id, runs_per_day, stored_bytes_max, spend_usd_per_month, runs_day, runs_count, stored_bytes)
select $1, $2::int, $3::bigint, $4::numeric, (statement_timestamp() at time zone 'UTC')::date,
    (select count(*) from tegu.runs r where r.organization_id = $1
        and r.created_at >= date_trunc('day', statement_timestamp() at time zone 'UTC') at time zone 'UTC'),
    (select coalesce(sum(octet_length(b.data)), 0) from tegu.blobs b where b.organization_id = $1)
on conflict (organization_id) do update set runs_per_day = excluded.runs_per_day, stored_bytes_max = excluded.stored_bytes_max,
    spend_usd_per_month = excluded.spend_usd_per_month, updated_at = clock_timestamp()
