"""What a run in memory meets outside: people who decide, signals, services, webhooks, and a clock that does not wait.

    run = await testing.run(pipeline, text, replies={...}, reviews={"approve": testing.correct({"amount": 20})},
                            signals={"paid": 20}, http={"customer": {"name": "Anna"}})

Made by `running` from what the test gives. Invariant: nothing is asked and nobody waited for; what a test does not give ends the
stage with an error that says how to give it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.errors import StageError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject, storable_json
from tegu.domain.review import ReviewAnswer, ReviewQuestion, ReviewStatus
from tegu.domain.run import StageTimes
from tegu.domain.signal import RunSignal
from tegu.egress.request import Answer, EgressLimits, EgressRequest
from tegu.llm.schema import validator
from tegu.pipeline.task import StageTask
from tegu.stages.reach import Reach


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decides in a test: `approve()`, `reject()`, `correct(value)`, or nothing in time: `undecided()`."""

    status: ReviewStatus
    comment: str | None = None
    by: str | None = "reviewer"
    value: JsonValue = None


def approve(comment: str | None = None, *, by: str = "reviewer") -> Decision:
    """It is right."""
    return Decision(ReviewStatus.APPROVED, comment, by)


def reject(comment: str | None = None, *, by: str = "reviewer") -> Decision:
    """It is not."""
    return Decision(ReviewStatus.REJECTED, comment, by)


def correct(value: JsonValue, comment: str | None = None, *, by: str = "reviewer") -> Decision:
    """It should have been this."""
    return Decision(ReviewStatus.CORRECTED, comment, by, value)


def undecided() -> Decision:
    """Nobody decides in time."""
    return Decision(ReviewStatus.EXPIRED, by=None)


def answered(
    status: int = 200, body: JsonValue = None, *, headers: Mapping[str, str] | None = None
) -> Answer:
    """What a service answers: a text as it is, everything else as JSON."""
    data = b"" if body is None else (body if isinstance(body, str) else storable_json(body)).encode()
    return Answer(status, {name.lower(): text for name, text in (headers or {}).items()}, data)


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What a stage `webhook` sent."""

    stage: str
    event: str
    data: JsonValue
    webhook: str | None = None


Decisions = Mapping[str, Decision | Sequence[Decision]]
Given = JsonValue | Answer | tuple[Answer, ...]
Answers = Mapping[str, Given]
"""By stage: a body, an answer, or several in turn."""


@dataclass(slots=True)
class Outside:
    """See the module. Implements Reviews, Times, Signals, Messages and Http of `stages.reach`."""

    now: datetime
    decisions: Decisions = field(default_factory=dict[str, "Decision | Sequence[Decision]"])
    signals: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    answers: Answers = field(default_factory=dict[str, Given])
    messages: list[SentMessage] = field(default_factory=list[SentMessage])
    requests: list[EgressRequest] = field(default_factory=list[EgressRequest])
    _began: dict[str, datetime] = field(default_factory=dict[str, datetime])
    _open: dict[tuple[str, int], tuple[UUID, datetime, Decision]] = field(
        default_factory=dict[tuple[str, int], tuple[UUID, datetime, Decision]]
    )
    _given: dict[str, Iterator[Answer]] = field(default_factory=dict[str, Iterator[Answer]])

    def reach(self) -> Reach:
        """What the stages of the run may reach."""
        return Reach(signals=self, reviews=self, times=self, messages=self, http=self)

    def wait(self, seconds: float) -> None:
        """The run waits so long, in whole seconds: what is left of a time since it was asked for is a little less."""
        self.now += timedelta(seconds=ceil(seconds))

    async def of(self, task: StageTask) -> StageTimes:
        """See `stages.reach.Times`."""
        return StageTimes(self._began.setdefault(task.stage.name, self.now), self.now)

    async def find(self, task: StageTask, name: str) -> RunSignal | None:
        """See `stages.reach.Signals`."""
        del task
        return RunSignal(name, self.signals[name], self.now) if name in self.signals else None

    async def ask(self, task: StageTask, question: ReviewQuestion) -> ReviewAnswer:
        """See `stages.reach.Reviews`."""
        place = (task.stage.name, task.failures)
        if place not in self._open:
            decision = self._decision(task, question)
            self._open[place] = new_id(), self.now + timedelta(seconds=question.due_s), decision
        review_id, due_at, decision = self._open[place]
        if decision.status is ReviewStatus.EXPIRED:
            return ReviewAnswer(review_id, ReviewStatus.OPEN, (due_at - self.now).total_seconds())
        return ReviewAnswer(review_id, decision.status, 0.0, decision.value, decision.comment, decision.by)

    async def expire(self, task: StageTask, review_id: UUID) -> ReviewAnswer:
        """See `stages.reach.Reviews`."""
        del task
        return ReviewAnswer(review_id, ReviewStatus.EXPIRED, 0.0)

    async def send(self, task: StageTask, body: JsonObject, *, webhook: str | None) -> int:
        """See `stages.reach.Messages`."""
        self.messages.append(SentMessage(task.stage.name, str(body["event"]), body["data"], webhook))
        return 1

    async def request(
        self, task: StageTask, asked: EgressRequest, limits: EgressLimits, *, credential: str | None
    ) -> Answer:
        """See `stages.reach.Http`."""
        del limits, credential
        self.requests.append(asked)
        name = task.stage.name
        if name not in self.answers:
            raise StageError(
                f"stage {name!r} asks {asked.url}, and the test gives no answer",
                code="no_reply",
                hint=f"testing.run(..., http={{{name!r}: {{...}}}})",
            )
        answer = next(self._given.setdefault(name, _in_turn(self.answers[name])), None)
        if answer is None:
            raise StageError(f"the test gives stage {name!r} no further answer", code="no_reply")
        return answer

    def _decision(self, task: StageTask, question: ReviewQuestion) -> Decision:
        name = task.stage.name
        given = self.decisions.get(name)
        found = given if given is None or isinstance(given, Decision) else _nth(given, task.failures)
        if found is None:
            raise StageError(
                f"stage {name!r} asks a person, and the test gives no decision",
                code="no_reply",
                hint=f"testing.run(..., reviews={{{name!r}: testing.approve()}})",
            )
        problems = ()
        if found.status is ReviewStatus.CORRECTED and question.schema:
            problems = validator(question.schema).problems(found.value)
        if problems:
            raise StageError(f"the corrected value does not fit: {'; '.join(problems)}", code="wrong_output")
        return found


def _nth(decisions: Sequence[Decision], number: int) -> Decision | None:
    return decisions[number] if number < len(decisions) else None


def _in_turn(given: Given) -> Iterator[Answer]:
    """Several in turn, the last of which is the end; one for ever."""
    if isinstance(given, tuple):
        yield from given
        return
    while True:
        yield given if isinstance(given, Answer) else answered(body=given)
