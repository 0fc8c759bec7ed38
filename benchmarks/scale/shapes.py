"""What a stage costs in CPU of worker and database, for DAGs of 1 to 1,000 stages, in a row and side by side.

At most 100 stages are under way at any time, whatever the shape, so that batches are alike.
"""

from benchmarks.scale.ground import Ground, Json, chain, fan

SIZES = (1, 10, 100, 1000)
UNDER_WAY = 100


async def measure(ground: Ground) -> Json:
    """Both shapes in every size."""
    found: dict[str, list[Json]] = {}
    for shape, wiring in (("in a row", chain), ("side by side", fan)):
        for size in SIZES[: 3 if ground.quick else None]:
            bench = await ground.publish(f"{wiring.__name__}_{size}", wiring(size))
            await bench.clear()
            total = 3_000 if ground.quick else 30_000
            # A row has one stage of each run under way, so there must be enough runs.
            runs = max(total // size, UNDER_WAY if wiring is chain and not ground.quick else 2)
            cost = await ground.cost(bench, runs=runs, stages=size, concurrency=UNDER_WAY)
            found.setdefault(shape, []).append({"size": size, "runs": runs, **cost.to_json()})
            print(f"{size:5} {shape}: {cost.to_json()}", flush=True)
    return {"under_way": UNDER_WAY, "shapes": found}
