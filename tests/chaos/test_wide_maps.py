"""A list of ten thousand over several worker processes, of which one is killed in the middle: each item is done, in its place, and
only what was under way in the one that died is done again.

A seed that fails is printed, and had again with TEGU_CHAOS_SEED=<seed>.
"""

import asyncio
import os
import signal
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random, SystemRandom
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from storm import IN_FLIGHT
from wide_stages import FUNCTIONS, NOTES
from workers import Crew

from tegu.app import Tegu
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants

GIVEN = os.environ.get("TEGU_CHAOS_SEED")
WORKERS = 3
INNER: JsonObject = {
    "tegu": 1,
    "name": "doubling",
    "input": "content",
    "stages": {
        "double": {"uses": "python", "with": {"function": "double_read@1"}, "inputs": ["source"]},
    },
}
MAPPED: JsonObject = {"uses": "python", "with": {"function": "double@1"}, "inputs": ["item"]}
NESTED: JsonObject = {
    "uses": "pipeline",
    "with": {"pipeline": "doubling", "output": "double"},
    "inputs": ["item"],
}


def document(item: JsonObject) -> JsonObject:
    numbers: JsonObject = {"uses": "python", "with": {"function": "numbers@1"}}
    each: JsonObject = {**item, "each": {"over": "numbers", "max_parallel": 100}}
    return {"tegu": 1, "name": "wide", "input": "content", "stages": {"numbers": numbers, "each": each}}


@dataclass(frozen=True, slots=True)
class Notes:
    """What the stages noted: the process and the number."""

    path: Path

    def read(self) -> list[tuple[int, int]]:
        lines = self.path.read_text("ascii").splitlines() if self.path.exists() else []
        return [(int(pid), int(number)) for pid, number in (line.split() for line in lines)]

    async def reach(self, count: int) -> None:
        async with asyncio.timeout(150):
            while len(self.read()) < count:
                await asyncio.sleep(0.02)


async def killed(crew: Crew, address: DatabaseAddress, random: Random) -> tuple[int, int]:
    """One of the workers, which another takes the place of; what it had under way is counted while it stands still."""
    pid = random.choice(crew.alive)
    crew.send(pid, signal.SIGSTOP)
    connection = await asyncpg.connect(address.owner)
    try:
        under_way: int = await connection.fetchval(IN_FLIGHT, pid)
    finally:
        await connection.close()
    crew.send(pid, signal.SIGKILL)
    await crew.hire()
    return pid, under_way


async def ended(tegu: Tegu, run_id: UUID) -> Any:
    await tegu.wait([run_id], timeout_s=200)
    run = await tegu.get_run(run_id)
    assert run.status is RunStatus.COMPLETED, run.error
    return run.stage_outputs["each"]


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("item", "count"), [(MAPPED, 10_000), (NESTED, 600)], ids=["mapped", "nested"])
async def test_each_item_is_done_in_its_place_and_only_what_was_under_way_again(
    item: JsonObject,
    count: int,
    process_environment: dict[str, str],
    address: DatabaseAddress,
    tmp_path: Path,
) -> None:
    seed = int(GIVEN) if GIVEN else SystemRandom().randrange(2**32)
    print(f"\nhave it again: TEGU_CHAOS_SEED={seed}")  # noqa: T201
    random, notes = Random(seed), Notes(tmp_path / "notes")
    told = {
        **process_environment,
        "CHAOS_STAGES": "wide_stages",
        NOTES: str(notes.path),
        "TEGU_SECRET_KEYS": f"first:{b64encode(b'k' * 32).decode()}",
    }
    hiring = Crew.of(WORKERS, told, concurrency=60, lease_s=2.0)
    async with hiring as crew, Tegu(settings=Settings.from_environment(told), stages=FUNCTIONS) as tegu:
        await tegu.pipeline(INNER)
        (run_id,) = await tegu.start(document(item), f"{count} numbers".encode())
        await notes.reach(random.randrange(count // 10, count // 2))
        victim, under_way = await killed(crew, address, random)
        assert await ended(tegu, run_id) == [2 * number for number in range(count)]
    done = Counter(number for _, number in notes.read())
    assert set(done) == set(range(count))
    again = {number for number, times in done.items() if times > 1}
    assert sum(done.values()) - count <= under_way
    assert again <= {number for pid, number in notes.read() if pid == victim}
    assert len({pid for pid, _ in notes.read()}) > 1, "one worker did it all: nothing was shown"
    assert not [check.name for check in await check_invariants(address, rows_max=5) if check.broken]
