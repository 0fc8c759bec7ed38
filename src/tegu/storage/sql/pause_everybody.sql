-- Hold back the runs of all organizations. $1 reason
insert into tegu.pauses (organization_id, reason) values ('00000000-0000-0000-0000-000000000000', $1)
on conflict (organization_id, pipeline_id) do update set reason = excluded.reason
