-- Runs that were erased since then, after a run: for a second look at each. $1 organization, $2 since, $3 run, $4 how many at most
select id from tegu.runs where erased_at >= $2 and organization_id = $1 and id > $3 order by id limit $4
