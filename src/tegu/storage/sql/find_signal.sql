-- The first signal of a name that a run was sent, or one that it stems from, and that a stage may hear: of others than itself only what is
-- for all. $1 organization, $2 run, $3 name, $4 stage, an item by its full name
with recursive line (id, parent_id) as (
    select id, parent_id from tegu.runs where organization_id = $1 and id = $2
    union all
    select r.id, r.parent_id from line join tegu.runs r on r.organization_id = $1 and r.id = line.parent_id
)
select s.name, s.data, s.created_at from line
join tegu.run_signals s on s.organization_id = $1 and s.run_id = line.id and s.name = $3
where s.stages is null or (line.id = $2 and $4::text = any (s.stages))
order by s.id limit 1
