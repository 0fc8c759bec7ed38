-- Count one try in a bucket, and say how many there were in its window, and in how many seconds that is over.
-- $1 bucket, $2 seconds of the window
insert into tegu.sign_in_tries (organization_id, bucket, since, count)
values ('00000000-0000-0000-0000-000000000000', $1, clock_timestamp(), 1)
on conflict (organization_id, bucket) do update set
    count = case when sign_in_tries.since > clock_timestamp() - make_interval(secs => $2::float8)
        then least(sign_in_tries.count + 1, 1000000) else 1 end,
    since = case when sign_in_tries.since > clock_timestamp() - make_interval(secs => $2::float8)
        then sign_in_tries.since else excluded.since end
returning count, extract(epoch from since + make_interval(secs => $2::float8) - clock_timestamp())::float8 as over_in_s
