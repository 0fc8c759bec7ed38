"""What must be true of simulated workers after each step, beside what `tegu doctor` looks at.

One output for a stage, whoever was first; a write of a worker that lost its run touches nothing; what has ended stays as
it is; a reply that was paid for answers everybody who asks that again.
"""

from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from tegu.engine.drive import RunDriver
from tegu.storage.checkpoints import RunWrite
from tegu.storage.invariants import checks_on

_ENDED = ("completed", "failed", "cancelled")
_RUNS = """
    select r.id, r.status, r.owner, r.epoch, r.rev, r.last_seq, r.functions, r.error::text,
        r.cancel_requested_at is not null as cancel_requested, coalesce(r.due_at <= clock_timestamp(), false) as is_due,
        coalesce((select jsonb_object_agg(s.stage, jsonb_build_array(s.status, s.attempt, s.output, s.error ->> 'code')) from tegu.stage_runs s
            where s.organization_id = r.organization_id and s.run_id = r.id), '{}')::text as stages,
        coalesce((select jsonb_object_agg(o.stage, o.data) from tegu.results o
            where o.organization_id = r.organization_id and o.run_id = r.id), '{}')::text as results,
        (select count(*) from tegu.results o where o.organization_id = r.organization_id and o.run_id = r.id)::int as count,
        (select count(*) from tegu.run_events e where e.organization_id = r.organization_id and e.run_id = r.id)::int as events,
        (select count(*) from tegu.stage_attempts a where a.organization_id = r.organization_id and a.run_id = r.id)::int
            as attempts
    from tegu.runs r order by r.id"""
_OVERSPENT = """
    select w.budget_id, w.spent_usd, w.reserved_usd from tegu.budget_windows w
    left join tegu.budgets b on b.organization_id = w.organization_id and b.id = w.budget_id
    left join tegu.runs r on r.organization_id = w.organization_id and r.id = w.budget_id
    where w.spent_usd + w.reserved_usd > coalesce(b.limit_usd, r.budget_usd)"""

CallKey = tuple[UUID, str, int, int, int]
Row = dict[str, Any]


MUST_BE_MET = (
    "write refused",
    "run ended",
    "claimed again",
    "swept",
    "reply replayed",
    "reply second",
    "budget full",
    "answer lost",
)
"""Steps that never came to these would show nothing."""
MUST_BE_MET_BY_WAITS = ("stage cancelled", "deadline passed", "run deadline passed", "signal heard")


@dataclass
class Reference:
    """What was seen so far."""

    owner: "asyncpg.Connection[asyncpg.Record]"
    ended: dict[UUID, Row] = field(default_factory=dict[UUID, Row])
    stages: dict[tuple[UUID, str], list[Any]] = field(default_factory=dict[tuple[UUID, str], list[Any]])
    fences: dict[UUID, tuple[int, int]] = field(default_factory=dict[UUID, tuple[int, int]])
    paid: dict[CallKey, str] = field(default_factory=dict[CallKey, str])
    accepted: set[tuple[UUID, int, int]] = field(default_factory=set[tuple[UUID, int, int]])
    met: Counter[str] = field(default_factory=Counter[str])
    """What the machine is about, and how often it came to it."""

    # After each step.

    async def check(self, *, is_end: bool = False) -> None:
        """All of it. That owners are alive is so only where somebody looked after the dead since they died."""
        for row in (await self._runs()).values():
            self._is_consistent(row)
        assert not await self.owner.fetch(_OVERSPENT), "a budget is overspent"
        async with self.owner.transaction():
            checks = await checks_on(self.owner, rows_max=3)
        broken = [check for check in checks if check.broken and (is_end or check.name != "owners are alive")]
        assert not broken, f"broken: {broken}"

    def _is_consistent(self, row: Row) -> None:
        run_id = row["id"]
        epoch, rev = self.fences.get(run_id, (0, 0))
        assert (row["epoch"], row["rev"]) >= (epoch, rev), "epoch or rev went back"
        self.fences[run_id] = row["epoch"], row["rev"]
        before = self.ended.get(run_id)
        assert before is None or before == row, f"an ended run changed: {before} -> {row}"
        if row["status"] in _ENDED:
            self.met["run deadline passed"] += before is None and "the run has not ended" in (
                row["error"] or ""
            )
            self.ended[run_id] = row
        stages, results = from_json(row["stages"]), from_json(row["results"])
        assert row["count"] == len(results), "a stage has several results"
        for stage, now in stages.items():
            was = self.stages.get((run_id, stage))
            assert was is None or was == now, f"stage {stage} had ended: {was} -> {now}"
            status, _, output, code = now
            if was is None and not row["cancel_requested"]:
                self.met["stage cancelled"] += status == "cancelled" and code == "cancelled"
                self.met["deadline passed"] += status == "failed" and code == "deadline_exceeded"
            if status in {*_ENDED, "skipped"}:
                self.stages[run_id, stage] = now
            assert (stage in results) == (status == "completed")
            assert stage not in results or results[stage] == output

    # Around statements.

    async def before_checkpoint(
        self, arguments: Sequence[Any]
    ) -> tuple[dict[UUID, Row], list[UUID], set[int]]:
        """Which of the runs a checkpoint may touch."""
        worker_id, _, run_ids, epochs, revs, *_ = arguments
        rows = await self._runs()
        mine = {
            i
            for i, (run_id, epoch, rev) in enumerate(zip(run_ids, epochs, revs, strict=True), 1)
            if (row := rows.get(run_id))
            and (row["owner"], row["epoch"], row["rev"]) == (worker_id, epoch, rev)
        }
        return rows, run_ids, mine

    async def after_checkpoint(
        self, expected: tuple[dict[UUID, Row], list[UUID], set[int]], applied: set[int]
    ) -> None:
        """It touched those and no others."""
        before, run_ids, mine = expected
        assert applied == mine, "a write was accepted that should not, or refused"
        self.met["write refused"] += len(run_ids) - len(mine)
        after = await self._runs()
        touched = {run_ids[i - 1] for i in mine}
        for run_id, row in after.items():
            if run_id in touched:
                assert row["rev"] == before[run_id]["rev"] + 1
                self.accepted.add((run_id, row["epoch"], row["rev"]))
            else:
                assert _still(row) == _still(before[run_id]), "a checkpoint touched a run that was not in it"

    async def settled(self, batch: Sequence[tuple[RunDriver, RunWrite]]) -> None:
        """The worker knows what became of its writes: none is taken for a zombie's that was stored, none the other way."""
        rows = await self._runs()
        for driver, write in batch:
            is_stored = (write.run_id, write.epoch, write.rev + 1) in self.accepted
            is_mine_still = rows[write.run_id]["epoch"] == write.epoch
            assert is_stored or driver.is_lost, "a write that was not stored is taken for stored"
            assert not (is_stored and is_mine_still and driver.is_lost), (
                "a stored write is taken for a zombie's"
            )
            self.met["run ended"] += is_stored and write.status.is_terminal

    async def claimed_by(
        self, worker_id: UUID, claim: Awaitable[object], *, functions: Sequence[str]
    ) -> None:
        """What a claim takes was due and free, and the worker alive and able."""
        before = await self._runs()
        is_alive = await self.owner.fetchval(
            "select dead_at is null and lease_until > clock_timestamp() from tegu.workers where id = $1",
            worker_id,
        )
        await claim
        for run_id, row in (await self._runs()).items():
            was = before[run_id]
            if row["epoch"] == was["epoch"]:
                assert row["owner"] == was["owner"], "an owner came without a claim"
                continue
            assert is_alive, "a dead worker claimed a run"
            assert (was["owner"], was["is_due"], row["epoch"]) == (None, True, was["epoch"] + 1)
            assert was["status"] not in _ENDED
            assert row["owner"] == worker_id
            self.met["claimed again"] += row["epoch"] > 1
            assert set(was["functions"]) <= set(functions) or was["cancel_requested"]

    async def swept_by(self, sweep: Awaitable[object]) -> None:
        """Only runs of workers that are dead are freed."""
        before = await self._runs()
        living = {
            row["id"] for row in await self.owner.fetch("select id from tegu.workers where dead_at is null")
        }
        await sweep
        for run_id, row in (await self._runs()).items():
            was = before[run_id]
            if row["owner"] != was["owner"]:
                assert was["owner"] not in living, "a run was taken from a living worker"
                assert row == {**was, "owner": None, "is_due": True}
                self.met["swept"] += 1

    # Around calls.

    def begun(self, key: CallKey, replayed: str | None) -> None:
        """A call was begun; the journal had a reply, or had none."""
        assert replayed == self.paid.get(key), (
            "what was paid for is asked for again, or the journal invented a reply"
        )
        self.met["reply replayed"] += replayed is not None

    def replied(self, key: CallKey, text: str, used: str) -> None:
        """A reply was stored, and this one is used."""
        assert self.paid.setdefault(key, text) == used, "not the first stored reply is used"
        self.met["reply second"] += used != text

    async def _runs(self) -> dict[UUID, Row]:
        return {row["id"]: dict(row) for row in await self.owner.fetch(_RUNS)}


def _still(row: Row) -> Row:
    """What only its owner's checkpoint changes."""
    return {name: value for name, value in row.items() if name != "is_due"}
