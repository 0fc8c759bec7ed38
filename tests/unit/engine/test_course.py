"""How the stages of a run move, without a database: joins, failures, cancels and deadlines, as they would be stored."""

from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from pydantic_core import from_json

from tegu.domain.content import InputKind
from tegu.domain.errors import ErrorInfo
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.outcome import Completed, Failed, Postponed, StageOutcome
from tegu.domain.status import RunStatus, StageStatus
from tegu.engine.drive import RunDriver
from tegu.engine.retry import RetryPolicy
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.plan import Plan
from tegu.pipeline.task import StageTask
from tegu.storage.checkpoints import Applied, RunWrite
from tegu.storage.claims import ClaimedRun, StageState

HEARD = Applied(cancel_requested=False, inbox=0)
AT_ONCE_S = 1e-9
BROKEN = Failed(ErrorInfo("broken", "it broke", hint="mend it"))


def stage(name: str, *inputs: str, **more: Any) -> StageDefinition:
    """Inputs that end in `?` are optional."""
    names = tuple(each.removesuffix("?") for each in inputs) or ("source",)
    optional = frozenset(each[:-1] for each in inputs if each.endswith("?"))
    return StageDefinition(
        name, "test", inputs=names, optional_inputs=optional, retries=more.pop("retries", 0), **more
    )


class Bench:
    """A driver, and what a worker and its lane would do with it."""

    def __init__(
        self,
        *stages: StageDefinition,
        stored: Mapping[str, StageState] | None = None,
        run_deadline_in_s: float | None = None,
    ) -> None:
        definition = PipelineDefinition("flow", InputKind.CONTENT, stages)
        ids = [new_id() for _ in range(4)]
        run = ClaimedRun(
            ids[0],
            ids[1],
            epoch=2,
            rev=len(stored or {}),
            inbox=0,
            version_id=ids[2],
            content_id=ids[3],
            thread_id=None,
            model=None,
            cancel_requested=False,
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
            deadline_in_s=run_deadline_in_s,
        )
        self.driver = RunDriver(
            run,
            worker_id=new_id(),
            plan=Plan(definition),
            stored=stored or {},
            facts={},
            retry=RetryPolicy(),
            random=Random(1),
        )
        self.writes: list[RunWrite] = []
        self.tasks: dict[str, StageTask] = {}
        self.dropped: list[str] = []

    def step(self, **ended: StageOutcome | JsonObject) -> RunWrite:
        """These stages ended; what is stored of it."""
        for name, outcome in ended.items():
            given = Completed(outcome) if isinstance(outcome, dict) else outcome
            self.driver.ended(name, given, elapsed_ms=1)
        write = self.driver.take()
        assert write is not None
        self.tasks |= {task.stage.name: task for task in self.driver.applied(HEARD)}
        self.dropped += self.driver.dropped
        self.writes.append(write)
        return write

    def statuses(self) -> dict[str, str]:
        return {each.stage: each.status.value for write in self.writes for each in write.stages}

    def events(self) -> list[tuple[str, str | None]]:
        return [(event.kind, event.stage) for write in self.writes for event in write.events]


def error_of(write: RunWrite) -> JsonObject | None:
    return from_json(write.error) if write.error is not None else None


# Cancels.


def test_a_stage_that_starts_ends_those_that_it_cancels_whether_they_are_under_way_wait_or_are_pending() -> (
    None
):
    bench = Bench(
        stage("quick"),
        stage("slow"),
        stage("waits"),
        stage("later", "slow"),
        stage("wins", "quick", cancels=("slow", "waits", "later")),
    )
    bench.step()
    bench.step(waits=Postponed(ErrorInfo("waits_for_signal", "nobody called"), 3600))
    write = bench.step(quick={})
    assert bench.statuses() == {
        "quick": "completed",
        "slow": "cancelled",
        "waits": "cancelled",
        "later": "cancelled",
        "wins": "running",
    }
    assert bench.dropped == ["slow"]
    assert [(a.stage, a.outcome) for a in write.attempts] == [("quick", "completed"), ("slow", "cancelled")]
    reasons = {each.stage: str(each.error) for each in write.stages if each.status is StageStatus.CANCELLED}
    assert all("'wins' started, which cancels it" in reason for reason in reasons.values())
    assert bench.step(wins={}).status is RunStatus.COMPLETED


def test_what_a_cancelled_stage_still_says_comes_too_late() -> None:
    bench = Bench(
        stage("quick"), stage("slow"), stage("wins", "quick", cancels=("slow",)), stage("last", "wins")
    )
    bench.step()
    bench.step(quick={})
    bench.step(slow={"late": True}, wins={})
    assert bench.statuses()["slow"] == "cancelled"
    assert bench.step(last={}).status is RunStatus.COMPLETED
    assert not any(each.output for write in bench.writes for each in write.stages if each.stage == "slow")


def test_what_ends_in_the_same_moment_has_ended_before_it_can_be_cancelled() -> None:
    bench = Bench(stage("quick"), stage("slow"), stage("wins", "quick", cancels=("slow",)))
    bench.step()
    bench.step(slow={}, quick={})
    assert bench.statuses()["slow"] == "completed"
    assert not bench.dropped


def test_a_refused_checkpoint_cancels_nothing() -> None:
    bench = Bench(stage("quick"), stage("slow"), stage("wins", "quick", cancels=("slow",)))
    bench.step()
    bench.driver.ended("quick", Completed({}), elapsed_ms=1)
    assert bench.driver.take() is not None
    assert bench.driver.refused(ValueError("no such number"))
    write = bench.step()
    assert {each.stage: each.status.value for each in write.stages} == {"quick": "failed", "wins": "skipped"}
    assert bench.step(slow={}).status is RunStatus.FAILED


# Joins.


def test_a_stage_that_waits_for_any_reads_what_had_arrived_when_it_started() -> None:
    bench = Bench(stage("a"), stage("b"), stage("first", "a?", "b?", join="any", retries=2))
    bench.step()
    write = bench.step(b={"from": "b"})
    assert [each.arrived for each in write.stages if each.stage == "first"] == [("b",)]
    assert bench.tasks["first"].inputs == {"a": None, "b": {"from": "b"}}
    bench.step(a={"from": "a"})
    write = bench.step(first=Failed(ErrorInfo("rate_limited", "later"), transient=True))
    assert write.status is RunStatus.WAITING


def test_another_worker_gives_a_repeated_attempt_the_same_inputs() -> None:
    done = StageState(StageStatus.COMPLETED, 1, output={})
    stored = {"a": done, "b": done, "first": StageState(StageStatus.WAITING, 1, failures=1, arrived=("b",))}
    bench = Bench(stage("a"), stage("b"), stage("first", "a?", "b?", join="any", retries=2), stored=stored)
    bench.step()
    assert bench.tasks["first"].inputs == {"a": None, "b": {}}


# Failures.


def test_a_failure_that_continues_is_not_the_runs() -> None:
    bench = Bench(stage("a", on_failure="continue"), stage("b", "a?"))
    bench.step()
    assert error_of(bench.step(a=BROKEN)) is None
    assert bench.tasks["b"].inputs == {"a": None}
    write = bench.step(b={})
    assert (write.status, error_of(write)) == (RunStatus.COMPLETED, None)


@pytest.mark.parametrize(("handled", "status"), [({}, "completed"), (BROKEN, "failed")])
def test_a_handler_reads_the_error_and_its_success_saves_the_run(handled: Any, status: str) -> None:
    bench = Bench(stage("a", on_failure="mend"), stage("mend", "a?"))
    bench.step()
    assert error_of(bench.step(a=BROKEN)) is None
    assert bench.tasks["mend"].inputs == {
        "a": {"error": {"code": "broken", "stage": "a", "message": "it broke", "hint": "mend it"}}
    }
    write = bench.step(mend=handled)
    assert write.status.value == status
    assert (error_of(write) is None) == (status == "completed")


def test_a_handler_reads_the_error_also_from_another_worker() -> None:
    failure = ErrorInfo("broken", "it broke", stage="a")
    stored = {
        "a": StageState(StageStatus.FAILED, 1, failure=failure),
        "other": StageState(StageStatus.RUNNING, 1),
    }
    bench = Bench(stage("a", on_failure="mend"), stage("other"), stage("mend", "a?"), stored=stored)
    bench.step()
    assert bench.tasks["mend"].inputs == {"a": {"error": failure.to_json()}}


def test_a_failure_whose_handler_did_not_run_is_the_runs_in_the_end() -> None:
    failure = ErrorInfo("broken", "it broke", stage="a")
    stored = {"a": StageState(StageStatus.FAILED, 1, failure=failure)}
    bench = Bench(stage("a", on_failure="mend"), stage("mend", "a?", when="1 == 2"), stored=stored)
    write = bench.step()
    assert (write.status, error_of(write)) == (RunStatus.FAILED, failure.to_json())


def test_retries_are_given_by_error_code() -> None:
    bench = Bench(stage("a", retries=0, retries_by_code={"rate_limited": 2, "broken": 1}))
    bench.step()
    limited = Failed(ErrorInfo("rate_limited", "later"), transient=True)
    other = Failed(ErrorInfo("server", "it fell"), transient=True)
    for outcome, status in ((limited, "waiting"), (BROKEN, "failed")):
        bench.step(a=outcome)
        assert bench.statuses()["a"] == status
        if status == "waiting":
            stored = {"a": StageState(StageStatus.WAITING, 1, failures=1)}
            bench = Bench(
                stage("a", retries=0, retries_by_code={"rate_limited": 2, "broken": 1}), stored=stored
            )
            bench.step()
    for outcome, status in ((BROKEN, "waiting"), (other, "failed")):
        bench = Bench(stage("a", retries=0, retries_by_code={"rate_limited": 2, "broken": 1}))
        bench.step()
        bench.step(a=outcome)
        assert bench.statuses()["a"] == status


# Deadlines.


def test_a_stage_under_way_fails_at_its_deadline_and_is_not_tried_again() -> None:
    bench = Bench(stage("a", retries=5, deadline_s=AT_ONCE_S), stage("b", "a?"))
    bench.step()
    write = bench.step()
    assert (bench.statuses()["a"], bench.dropped) == ("failed", ["a"])
    assert [(a.stage, a.outcome) for a in write.attempts] == [("a", "failed")]
    bench.step(a={"late": True}, b={})
    assert bench.statuses() == {"a": "failed", "b": "completed"}
    assert (error_of(bench.writes[-1]) or {})["code"] == "deadline_exceeded"


def test_what_ends_before_its_deadline_is_looked_at_has_ended() -> None:
    bench = Bench(stage("a", deadline_s=AT_ONCE_S))
    bench.step()
    assert bench.step(a={}).status is RunStatus.COMPLETED


@pytest.mark.parametrize("status", [StageStatus.WAITING, StageStatus.RUNNING, StageStatus.PENDING])
def test_a_deadline_holds_whatever_the_stage_was_doing_when_another_worker_takes_over(
    status: StageStatus,
) -> None:
    stored = {"a": StageState(status, 1, due_in_s=3600, deadline_in_s=-1)}
    bench = Bench(stage("a", retries=5, deadline_s=60), stored=stored)
    write = bench.step()
    assert (write.status, (error_of(write) or {})["code"]) == (RunStatus.FAILED, "deadline_exceeded")
    assert len({(a.stage, a.attempt) for a in write.attempts}) == len(write.attempts)
    assert not bench.tasks


def test_a_run_that_waits_is_due_at_its_first_deadline() -> None:
    bench = Bench(stage("a", deadline_s=60))
    started = bench.step()
    assert [each.deadline_in_s for each in started.stages] == [pytest.approx(60, abs=5)]
    write = bench.step(a=Postponed(ErrorInfo("waits_for_review", "nobody has decided"), 3600))
    assert (write.status, write.due_in_s) == (RunStatus.WAITING, pytest.approx(60, abs=5))
    bench = Bench(stage("a"), run_deadline_in_s=30)
    bench.step()
    write = bench.step(a=Postponed(ErrorInfo("waits_for_review", "nobody has decided"), 3600))
    assert (write.status, write.due_in_s) == (RunStatus.WAITING, pytest.approx(30, abs=5))


def test_a_run_ends_at_its_deadline_whatever_is_left_of_it() -> None:
    stored = {
        "a": StageState(StageStatus.COMPLETED, 1, output={}),
        "b": StageState(StageStatus.WAITING, 1, due_in_s=99),
    }
    bench = Bench(stage("a"), stage("b", "a"), stage("c", "b"), stored=stored, run_deadline_in_s=-1)
    write = bench.step()
    assert (write.status, (error_of(write) or {})["code"]) == (RunStatus.FAILED, "deadline_exceeded")
    assert bench.statuses() == {"b": "cancelled", "c": "cancelled"}
    assert bench.events() == [("run.failed", None)]


def test_somebody_who_cancels_a_run_that_is_over_its_deadline_cancels_it() -> None:
    bench = Bench(stage("a"), run_deadline_in_s=-1)
    bench.driver.heard(cancel_requested=True, inbox=1)
    assert bench.step().status is RunStatus.CANCELLED
