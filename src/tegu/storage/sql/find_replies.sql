-- Which of these requests, the same question to several models, the journal has a reply to, and why those were asked.
-- $1 organization, $2 run, $3 stage, $4 item, $5 generation, $6 nth, $7 request hashes
select j.request_hash, c.metadata -> 'fallback' as fallback from tegu.llm_journal j
join tegu.llm_calls c on c.organization_id = j.organization_id and c.id = j.call_id
where j.organization_id = $1 and j.run_id = $2 and j.stage = $3 and j.item = $4 and j.generation = $5 and j.nth = $6
    and j.request_hash = any($7::text[]) and c.reply is not null
