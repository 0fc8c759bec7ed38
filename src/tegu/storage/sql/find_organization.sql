-- The organization of an external id, for operators. $1 external id
select id from tegu.organizations where external_id = $1
