"""100,000 runs of one organization with their contents, stage runs, results, calls and events, and a tenth of that of another.

Filled by copies within the database. What is rare is old, which is the worst for a list that begins with the newest: cancelled
runs, those of the pipeline `rare`, and calls of the provider `rare` are the first ones alone.
"""

from benchmarks.bench_database import STAGES, Bench
from benchmarks.http.people import Tenant
from tegu.domain.content import InputKind
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.storage import publishing

RARE = 30
_EVERY_S = 20
"""Between two runs."""
_OUTPUT = '{"summary": "' + "x" * 200 + '"}'

_RUNS = """insert into tegu.runs (organization_id, id, pipeline_id, version_id, content_id, status, due_at, owner, epoch, rev, last_seq,
    error, created_at, started_at, ended_at)
select $1, run, case when number <= $4 then $5::uuid else $2::uuid end, case when number <= $4 then $6::uuid else $3::uuid end,
    content, status, case status when 'waiting' then at + interval '1 year' when 'pending' then at end,
    case status when 'running' then run end, 1, 4, 7,
    case status when 'failed' then '{"code": "rate_limited", "stage": "two", "message": "asked too often", "hint": null}'::jsonb end,
    at, case when status <> 'pending' then at + interval '1 s' end,
    case when status in ('completed', 'failed', 'cancelled') then at + interval '9 s' end
from fresh"""
_OF_RUNS = (
    """insert into tegu.contents (organization_id, id, source_type, media_type, sha256, size_bytes, name, external_id, created_at)
    select $1, content, (array['file', 'email', 'api', 'manual'])[1 + number % 4], 'text/plain', md5(content::text), 1000 + number,
        'invoice ' || number || '.txt', 'ours-' || number, at from fresh where $2::text is not null and $3::text[] is not null""",
    """insert into tegu.stage_runs (organization_id, run_id, stage, status, attempt, epoch, output, error, started_at, ended_at)
    select $1, run, stage, case when status = 'failed' and stage = 'two' then 'failed' else 'completed' end, 1, 1, $2::jsonb,
        case when status = 'failed' and stage = 'two' then '{"code": "rate_limited", "message": "asked too often"}'::jsonb end, at, at
    from fresh, unnest($3::text[]) stage""",
    """insert into tegu.results (organization_id, run_id, stage, type, key, data, confidence, confidence_method, created_at)
    select $1, run, stage, stage, '', $2::jsonb, (number % 100) / 100.0, 'self_reported', at from fresh, unnest($3::text[]) stage""",
    """insert into tegu.llm_calls (organization_id, id, run_id, stage, provider, model, status, ordinal, attempt, request_hash,
        input_tokens, output_tokens, cost_usd, latency_ms, created_at, ended_at)
    select $1, uuidv7(at - now()), run, stage, case when number <= 30 then 'rare' else 'openai' end,
        case number % 3 when 0 then 'gpt-5' else 'gpt-5-mini' end, case when number % 50 = 0 then 'failed' else 'completed' end,
        1, 1, md5(run::text || stage), 900, 90, case when number % 20 = 0 then null else 0.0021 end, 700, at, at
    from fresh, unnest($3::text[]) stage where $2::text is not null""",
    """insert into tegu.run_events (organization_id, run_id, seq, kind, stage, at)
    select $1, run, 2 * place - side, case side when 1 then 'stage.started' else 'stage.completed' end, stage, at
    from fresh, unnest($3::text[]) with ordinality s (stage, place), (values (0), (1)) sides (side) where $2::text is not null""",
    """insert into tegu.audit_events (organization_id, id, at, actor_kind, actor_id, actor_label, action, target)
    select $1, uuidv7(at - now()), at, 'user', case when number <= 30 then $1 else run end, 'anna@example.com',
        case when number <= 30 then 'runs.cancel' else 'runs.start' end, jsonb_build_object('run_id', run)
    from fresh where $2::text is not null and $3::text[] is not null""",
    """insert into tegu.mail_threads (organization_id, id, subject, created_at)
    select $1, uuidv7(at - now()), 'About invoice ' || number, at
    from fresh where $2::text is not null and $3::text[] is not null and number % 10 = 0""",
)


async def fill(bench: Bench, tenant: Tenant, runs: int) -> None:
    """See the module."""
    rare = PipelineDefinition(
        "rare", InputKind.CONTENT, (StageDefinition("one", "test", inputs=("source",)),)
    )
    async with bench.database.transaction(tenant.organization) as connection:
        version = await publishing.publish(connection, tenant.organization, rare)
    await bench.execute("drop table if exists fresh")
    await bench.execute(
        """create unlogged table fresh as
        select number, uuidv7(at - now()) as run, uuidv7(at - now()) as content, at,
            case when number <= $2 then 'cancelled' when number % 20 = 0 then 'failed' when number % 100 = 1 then 'waiting'
                when number > $1 - 40 then 'running' when number > $1 - 200 then 'pending' else 'completed' end as status
        from generate_series(1, $1::int) number, lateral (select now() - make_interval(secs => ($1 - number) * $3::int) as at) t""",
        runs, RARE, _EVERY_S,
    )  # fmt: skip
    await bench.execute(
        _RUNS, tenant.organization, tenant.version.pipeline_id, tenant.version.id, RARE, version.pipeline_id, version.id
    )  # fmt: skip
    for statement in _OF_RUNS:
        await bench.execute(statement, tenant.organization, _OUTPUT, list(STAGES))
