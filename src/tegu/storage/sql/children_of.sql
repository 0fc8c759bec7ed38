-- Where the children of a stage stand. $1 organization, $2 run, $3 stage, $4 its item, $5 try
select id, parent_item, status, error, slice_from from tegu.runs
where organization_id = $1 and parent_id = $2 and parent_stage = $3 and parent_try = $5 and split_part(parent_item, ':', 1) = $4
order by slice_from, parent_item
