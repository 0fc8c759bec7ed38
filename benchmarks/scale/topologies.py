"""Recorded workflows, their tasks as sleeps: the makespan beside the greedy list schedule's, with 4, 16 and 64 slots.

Every recorded time is scaled by one factor for each workflow and is at least 50 ms. The bound is computed for these times
by the same greedy list schedule whose makespan is given with each workflow; that it is the same is checked on the recorded
times first.
"""

import asyncio
import heapq
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench_database import Bench
from benchmarks.measurements import read_timings
from benchmarks.processes import workers
from benchmarks.scale.ground import Ground, Json
from tegu.domain.content import InputKind
from tegu.domain.ids import new_id
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.storage import publishing, run_starts

DAGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "dags"
SLOTS = (4, 16, 64)
SLEEP_MIN_S = 0.05
TARGET_S = 20.0
"""About how long a workflow takes with 4 slots, unless its shortest tasks make it longer."""
_SAME = 0.002


@dataclass(frozen=True, slots=True)
class Workflow:
    """A recorded workflow: seconds by task, in the order recorded, and which tasks follow each."""

    name: str
    runtimes: Mapping[str, float]
    followers: Mapping[str, Sequence[str]]
    given: Mapping[int, float]

    @classmethod
    def read(cls, path: Path) -> "Workflow":
        """From its file."""
        found = json.loads(path.read_text("utf-8"))
        followers: dict[str, list[str]] = {task["id"]: [] for task in found["tasks"]}
        for before, after in found["edges"]:
            followers[before].append(after)
        given = {int(slots): s for slots, s in found["stats"]["greedy_list_makespan_s"].items()}
        return cls(found["name"], {t["id"]: t["runtime_s"] for t in found["tasks"]}, followers, given)

    def scaled(self, target_s: float) -> "Workflow":
        """With sleeps instead of recorded times."""
        factor = target_s / max(self.given[SLOTS[0]], 0.001)
        sleeps = {task: max(SLEEP_MIN_S, s * factor) for task, s in self.runtimes.items()}
        return Workflow(self.name, sleeps, self.followers, self.given)

    def greedy_s(self, slots: int) -> float:
        """Makespan of the greedy list schedule: whenever a slot is free, the task that was ready first begins."""
        waits = dict.fromkeys(self.runtimes, 0)
        for followers in self.followers.values():
            for task in followers:
                waits[task] += 1
        ready = deque(task for task, count in waits.items() if not count)
        under_way: list[tuple[float, int, str]] = []
        now, begun = 0.0, 0
        while ready or under_way:
            while ready and len(under_way) < slots:
                task = ready.popleft()
                begun += 1
                heapq.heappush(under_way, (now + self.runtimes[task], begun, task))
            now, _, task = heapq.heappop(under_way)
            for after in self.followers[task]:
                waits[after] -= 1
                if not waits[after]:
                    ready.append(after)
        return now

    def definition(self) -> PipelineDefinition:
        """As a pipeline: the n-th task is the stage `tn`."""
        names = {task: f"t{number:04}" for number, task in enumerate(self.runtimes)}
        inputs: dict[str, list[str]] = {task: [] for task in self.runtimes}
        for before, followers in self.followers.items():
            for task in followers:
                inputs[task].append(names[before])
        stages = tuple(
            StageDefinition(
                names[task],
                "test",
                config={"sleep_s": sleep_s},
                inputs=tuple(inputs[task]) or ("source",),
                timeout_s=600.0,
            )
            for task, sleep_s in self.runtimes.items()
        )
        return PipelineDefinition(f"dag_{new_id().hex}", InputKind.CONTENT, stages)


async def measure(ground: Ground) -> Json:
    """Every workflow with every number of slots."""
    paths = sorted(DAGS.glob("*.json"))
    if not paths:
        return {"workflows": [], "problem": f"no recorded workflows in {DAGS.name}"}
    found: list[Json] = []
    for path in paths[:: 4 if ground.quick else 1]:
        recorded = Workflow.read(path)
        is_same = all(abs(recorded.greedy_s(s) / recorded.given[s] - 1) < _SAME for s in SLOTS)
        workflow = recorded.scaled(5.0 if ground.quick else TARGET_S)
        for slots in SLOTS:
            bound = workflow.greedy_s(slots)
            took = await _makespan_s(ground, workflow, slots)
            found.append(
                {
                    "name": workflow.name,
                    "tasks": len(workflow.runtimes),
                    "slots": slots,
                    "bound_s": round(bound, 3),
                    "took_s": round(took, 3),
                    "ratio": round(took / bound, 4),
                    "schedule_is_as_given": is_same,
                }
            )
            print(f"{workflow.name:44} {slots:3} slots: {took:.2f} s, {took / bound:.3f} x", flush=True)
    return {"workflows": found, "sleep_min_s": SLEEP_MIN_S}


async def _makespan_s(ground: Ground, workflow: Workflow, slots: int) -> float:
    bench = ground.bench
    await bench.clear()
    async with bench.database.transaction(bench.organization) as connection:
        version = await publishing.publish(connection, bench.organization, workflow.definition())
    timings = ground.folder / "topology.json"
    async with workers(bench.dsn, 1, concurrency=slots, timings=timings):
        async with bench.database.transaction(bench.organization) as connection:
            new = run_starts.NewRun(version, content_id=new_id())
            run_id = await run_starts.insert_run(connection, bench.organization, new)
        await _until_ended(Bench(bench.database, bench.organization, version), run_id.hex)
    noted = read_timings(timings)
    assert len(noted) == len(workflow.runtimes)
    return max(t.ended for t in noted) - min(t.begun for t in noted)


async def _until_ended(bench: Bench, run_id: str) -> None:
    ended = "select count(*) from tegu.runs where id = $1::text::uuid and status = 'completed'"
    async with asyncio.timeout(600):
        while not await bench.value(ended, run_id):
            await asyncio.sleep(0.2)
