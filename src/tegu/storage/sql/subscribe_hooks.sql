-- Say which hooks this process has: runs that end from now on are delivered to them. $1 names, $2 events, $3 pipelines
insert into tegu.hooks (name, event, pipeline)
select * from unnest($1::text[], $2::text[], $3::text[]) t (name, event, pipeline) order by name
on conflict (name) do update set event = excluded.event, pipeline = excluded.pipeline, seen_at = clock_timestamp()
