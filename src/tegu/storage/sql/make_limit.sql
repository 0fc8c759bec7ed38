-- See to it that a limit has its row. $1 organization, $2 key, $3 provider, $4 model, $5 its state to begin with
insert into tegu.llm_limits (organization_id, key, provider, model, state) values ($1, $2, $3, $4, $5::jsonb)
on conflict do nothing
