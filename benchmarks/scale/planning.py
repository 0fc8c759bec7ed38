"""What the plan costs by decision: flat DAGs of up to 10,000 stages, of which joins wait for a part.

Pure: no worker, no database. Stages end one after the other in a drawn order; each time the plan is asked what follows.
"""

from random import Random
from time import perf_counter

from benchmarks.processes import percentile
from benchmarks.scale.ground import Ground, Json
from tegu.domain.content import InputKind
from tegu.domain.status import RunStatus, StageStatus
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.plan import Plan

SIZES = (100, 1_000, 10_000)
_SEED = 20_000


async def measure(ground: Ground) -> Json:
    """Each size once with one join over all, and once with joins over 99 each."""
    sizes = SIZES[:2] if ground.quick else SIZES
    return {"shapes": {name: [_decided(name, size) for size in sizes] for name in ("one join", "many joins")}}


def _decided(name: str, size: int) -> Json:
    """Drive one run of it to its end, and count what each decision took."""
    begun = perf_counter()
    plan = Plan(_definition(size, size if name == "one join" else 100))
    prepared_ms = (perf_counter() - begun) * 1e3
    standing = plan.standing()
    begun = perf_counter()
    decision = plan.decide(standing)
    first_ms = (perf_counter() - begun) * 1e3
    random, running, took = Random(_SEED), list[str](), list[float]()
    while True:
        for stage in decision.start:
            standing[stage] = StageStatus.RUNNING
            running.append(stage)
        if decision.outcome is not None:
            break
        place = random.randrange(len(running))
        running[place], running[-1] = running[-1], running[place]
        ended = running.pop()
        begun = perf_counter()
        standing[ended] = StageStatus.COMPLETED
        decision = plan.decide(standing, changed=[ended])
        took.append((perf_counter() - begun) * 1e6)
    assert decision.outcome is RunStatus.COMPLETED
    found: Json = {
        "stages": size,
        "prepared_ms": round(prepared_ms, 1),
        "first_ms": round(first_ms, 2),
        "p50_us": round(percentile(took, 0.5), 1),
        "p99_us": round(percentile(took, 0.99), 1),
        "mean_us": round(sum(took) / len(took), 1),
    }
    print(f"{name}, {size} stages: {found}", flush=True)
    return found


def _definition(size: int, group: int) -> PipelineDefinition:
    """Groups of stages side by side, the last of each a join that half of the others are enough for."""
    stages: list[StageDefinition] = []
    for first in range(0, size, group):
        names = tuple(f"s{number:05}" for number in range(first, first + group - 1))
        stages += [StageDefinition(name, "test") for name in names]
        join = StageDefinition(
            f"join{first:05}", "test", needs=names, optional_inputs=frozenset(names), join=len(names) // 2
        )
        stages.append(join)
    return PipelineDefinition(f"flat_{size}_{group}", InputKind.CONTENT, tuple(stages))
