"""What a stage costs while 1,000 to 1,000,000 finished runs, with their stages, results and events, lie in the tables."""

from benchmarks.bench_database import STAGES, Bench
from benchmarks.scale.ground import Ground, Json

SIZES = (1_000, 10_000, 100_000, 1_000_000)
_AT_ONCE = 100_000


async def measure(ground: Ground) -> Json:
    """On tables that grow."""
    found: list[Json] = []
    there = 0
    await ground.bench.clear()
    for size in SIZES[: 2 if ground.quick else None]:
        while there < size:
            step = min(_AT_ONCE, size - there)
            await finish(ground.bench, step)
            there += step
        await ground.bench.execute("vacuum analyze")
        cost = await ground.cost(
            ground.bench, runs=1_000 if ground.quick else 10_000, stages=len(STAGES), concurrency=200
        )
        found.append({"finished": there, **cost.to_json()})
        print(f"{there:9} finished runs: {cost.to_json()}", flush=True)
        there += 1_000 if ground.quick else 10_000
    return {"tables": found}


async def finish(bench: Bench, count: int, *, only_runs: bool = False) -> None:
    """Runs as they are after three completed stages, by the owner, in bulk."""
    await bench.execute("drop table if exists fresh")
    await bench.execute(
        "create unlogged table fresh as select uuidv7() as id from generate_series(1, $1::int)", count
    )
    await bench.execute(
        """insert into tegu.runs (organization_id, id, pipeline_id, version_id, content_id, status, epoch, rev, last_seq,
            due_at, started_at, ended_at)
        select $1, id, $2, $3, uuidv7(), 'completed', 1, 4, 7, null, clock_timestamp(), clock_timestamp() from fresh""",
        bench.organization,
        bench.version.pipeline_id,
        bench.version.id,
    )
    if only_runs:
        return
    output = '{"text": "' + "x" * 200 + '"}'
    for statement in (
        """insert into tegu.stage_runs (organization_id, run_id, stage, status, attempt, epoch, output, started_at, ended_at)
        select $1, id, stage, 'completed', 1, 1, $2::jsonb, clock_timestamp(), clock_timestamp() from fresh, unnest($3::text[]) stage""",
        """insert into tegu.stage_attempts (organization_id, run_id, stage, attempt, worker_id, outcome, elapsed_ms)
        select $1, id, stage, 1, id, 'completed', length($2::text) % 7 from fresh, unnest($3::text[]) stage""",
        """insert into tegu.results (organization_id, run_id, stage, type, key, data)
        select $1, id, stage, stage, '', $2::jsonb from fresh, unnest($3::text[]) stage""",
        """insert into tegu.run_events (organization_id, run_id, seq, kind, stage)
        select $1, id, 2 * number - side, case side when 1 then 'stage.started' else 'stage.completed' end, stage
        from fresh, unnest($3::text[]) with ordinality s (stage, number), (values (0), (1)) sides (side)
        where $2::text is not null""",
    ):
        await bench.execute(statement, bench.organization, output, list(STAGES))
