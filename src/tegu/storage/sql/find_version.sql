-- A version of a pipeline by name and number. $1 organization, $2 name, $3 number
select v.id, v.document from tegu.pipelines p
join tegu.pipeline_versions v on v.organization_id = p.organization_id and v.pipeline_id = p.id and v.number = $3
where p.organization_id = $1 and p.name = $2
