-- Store replies under way as they are now, each fenced by its run's epoch; drop those of ended attempts; tell followers.
-- A later attempt or version is never overwritten by an earlier one. Followers hear a mark of each run, not its id.
-- $1-$11 a reply each; $12-$17 a reply to drop each (up to the epoch and attempt that ended)
with t as materialized (
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::int[], $7::int[], $8::int[],
            $9::text[], $10::int[], $11::boolean[])
        t (organization_id, run_id, stage, item, call, epoch, attempt, version, partial, text_length, is_truncated)
),
gone as (
    delete from tegu.stage_partials p
    using unnest($12::uuid[], $13::uuid[], $14::text[], $15::text[], $16::int[], $17::int[])
        g (organization_id, run_id, stage, item, epoch, attempt)
    where p.organization_id = g.organization_id and p.run_id = g.run_id and p.stage = g.stage and p.item = g.item
        and (p.epoch, p.attempt) <= (g.epoch, g.attempt)
        and not exists (select 1 from t where t.organization_id = p.organization_id and t.run_id = p.run_id
            and t.stage = p.stage and t.item = p.item and t.call = p.call)
),
put as (
    insert into tegu.stage_partials as p (organization_id, run_id, stage, item, call, epoch, attempt, version, partial,
        text_length, is_truncated)
    select t.organization_id, t.run_id, t.stage, t.item, t.call, t.epoch, t.attempt, t.version, t.partial::jsonb,
        t.text_length, t.is_truncated
    from t join tegu.runs r on r.organization_id = t.organization_id and r.id = t.run_id
    where r.epoch = t.epoch and r.owner is not null
    order by 1, 2, 3, 4, 5
    on conflict (organization_id, run_id, stage, item, call) do update
    set epoch = excluded.epoch, attempt = excluded.attempt, version = excluded.version, partial = excluded.partial,
        text_length = excluded.text_length, is_truncated = excluded.is_truncated, updated_at = clock_timestamp()
    where (p.epoch, p.attempt, p.version) < (excluded.epoch, excluded.attempt, excluded.version)
    returning p.run_id
),
told as (
    select string_agg(distinct left(encode(sha256(run_id::text::bytea), 'hex'), 12), ',') as marks from put
)
select pg_notify('tegu_partials', marks) from told where marks is not null
