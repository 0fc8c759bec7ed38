"""The driver, without a database: what it would store."""

from datetime import UTC, datetime
from random import Random

import pytest

from tegu.domain.content import InputKind
from tegu.domain.errors import ErrorInfo
from tegu.domain.ids import new_id
from tegu.domain.outcome import Postponed
from tegu.domain.status import RunStatus, StageStatus
from tegu.engine.drive import RunDriver
from tegu.engine.retry import RetryPolicy
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.plan import Plan
from tegu.storage.checkpoints import Applied
from tegu.storage.claims import ClaimedRun, StageState


def driver_of(uses: str = "test", **stored: StageState) -> RunDriver:
    """A run of one stage, `a`, taken over."""
    definition = PipelineDefinition("one", InputKind.CONTENT, (StageDefinition("a", uses),))
    ids = [new_id() for _ in range(4)]
    run = ClaimedRun(
        ids[0], ids[1], 2, len(stored), 0, ids[2], ids[3], None, None, False, datetime(2026, 1, 1, tzinfo=UTC)
    )
    return RunDriver(
        run,
        worker_id=new_id(),
        plan=Plan(definition),
        stored=stored,
        facts={},
        retry=RetryPolicy(),
        random=Random(1),
    )


def test_handing_back_what_was_just_taken_over_from_a_crash_writes_each_attempt_once() -> None:
    driver = driver_of(a=StageState(StageStatus.RUNNING, attempt=3))
    driver.hand_back()
    write = driver.take()
    assert write is not None
    assert write.status is RunStatus.PENDING
    assert [(a.stage, a.attempt, a.outcome) for a in write.attempts] == [("a", 3, "crashed")]
    assert [(s.stage, s.status, s.attempt) for s in write.stages] == [("a", StageStatus.PENDING, 3)]
    assert [event.kind for event in write.events] == ["stage.crashed", "run.handed_back"]
    assert driver.applied(Applied(cancel_requested=False, inbox=0)) == ()


def test_a_stage_that_once_died_with_its_worker_runs_alone_from_then_on() -> None:
    driver = driver_of(a=StageState(StageStatus.PENDING, attempt=1, deaths=1))
    assert driver.take() is not None
    (task,) = driver.applied(Applied(cancel_requested=False, inbox=0))
    assert (task.is_alone, task.attempt) == (True, 2)


def test_a_stage_that_has_to_wait_releases_its_run_and_uses_up_no_retry() -> None:
    driver = driver_of()
    assert driver.take() is not None
    (task,) = driver.applied(Applied(cancel_requested=False, inbox=0))
    reason = ErrorInfo("no_capacity", "openai:gpt is at its limit")
    driver.ended(task.stage.name, Postponed(reason, 30), elapsed_ms=1)
    write = driver.take()
    assert write is not None
    assert write.status is RunStatus.WAITING
    assert write.error is None
    assert write.due_in_s == pytest.approx(30, abs=5)
    ((stage,), (ended,)) = write.stages, write.attempts
    assert (stage.status, stage.failures, stage.attempt) == (StageStatus.WAITING, 0, 1)
    assert ended.outcome == "handed_back"
    assert "openai:gpt is at its limit" in str(ended.error)
    assert [event.kind for event in write.events] == ["stage.waiting", "run.waiting"]


@pytest.mark.parametrize(("code", "due_in_s"), [("waits_for_review", 0), ("no_capacity", 3600)])
def test_a_stage_that_was_signalled_while_it_looked_looks_again_at_once(code: str, due_in_s: float) -> None:
    driver = driver_of()
    assert driver.take() is not None
    (task,) = driver.applied(Applied(cancel_requested=False, inbox=0))
    assert driver.heard(cancel_requested=False, inbox=1)
    driver.ended(task.stage.name, Postponed(ErrorInfo(code, "nobody has decided"), 3600), elapsed_ms=1)
    write = driver.take()
    assert write is not None
    assert write.due_in_s == pytest.approx(due_in_s, abs=5)


def test_a_look_that_finds_nothing_is_no_attempt_and_the_next_has_its_number() -> None:
    stored = StageState(StageStatus.PENDING)
    for _ in range(3):
        driver = driver_of(a=stored)
        assert driver.take() is not None
        (task,) = driver.applied(Applied(cancel_requested=False, inbox=0))
        assert task.attempt == 1
        reason = ErrorInfo("waits_for_review", "nobody has decided")
        driver.ended(task.stage.name, Postponed(reason, 3600), elapsed_ms=1)
        write = driver.take()
        assert write is not None
        assert write.attempts == ()
        stored = StageState(StageStatus.WAITING, attempt=write.stages[0].attempt, is_wakeable=True)


def test_a_stage_that_was_signalled_before_it_looked_waits() -> None:
    driver = driver_of()
    assert driver.take() is not None
    (task,) = driver.applied(Applied(cancel_requested=False, inbox=1))
    reason = ErrorInfo("waits_for_review", "nobody has decided")
    driver.ended(task.stage.name, Postponed(reason, 3600), elapsed_ms=1)
    write = driver.take()
    assert write is not None
    assert write.due_in_s == pytest.approx(3600, abs=5)


@pytest.mark.parametrize(("deaths", "is_alone"), [(0, False), (1, True)])
def test_a_stage_that_only_asks_a_model_is_no_suspect_until_its_second_worker_died(
    deaths: int, *, is_alone: bool
) -> None:
    driver = driver_of("extract", a=StageState(StageStatus.RUNNING, attempt=1, deaths=deaths))
    assert driver.take() is not None
    (task,) = driver.applied(Applied(cancel_requested=False, inbox=0))
    assert task.is_alone is is_alone


def test_a_database_that_goes_on_refusing_is_not_asked_for_ever() -> None:
    driver = driver_of()
    answers: list[bool] = []
    while not answers or answers[-1]:
        assert driver.take() is not None
        answers.append(driver.refused(ValueError("no")))
        assert len(answers) < 10
    assert len(answers) == 5
