-- The model of an organization's stages that name none.
-- $1 organization
select model from tegu.organizations where id = $1
