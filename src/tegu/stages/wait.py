"""`wait`: the run goes on at a time, or when it is told to. It costs nothing meanwhile.

options     one of  seconds   so long after the stage began
                    until     a time with its zone (2026-12-24T08:00:00+01:00), or where one stands in an input (extract.due_at)
                    signal    the name of a signal that is sent to the run (`tegu runs signal RUN NAME`)
            timeout_s         of a signal: how long to wait for it; then `on_timeout`: fail (default), continue
returns     {waited_until} of a time; {name, data, is_timeout} of a signal

Times are the database's, and count from the first time that the stage began, whatever became of its workers.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, model_validator

from tegu.domain.errors import Problem, StageError
from tegu.domain.json import JsonObject
from tegu.domain.outcome import WAITS_FOR_SIGNAL, WAITS_FOR_TIME, Postponed
from tegu.pipeline.condition_types import misread
from tegu.pipeline.expression import Read
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.outputs import ReceivedSignal, Waited
from tegu.pipeline.report import TYPE_WORDS, did_you_mean
from tegu.stages.inputs import output_of
from tegu.stages.kind import Options, StageOutput, StageWork, options_schema, read_options, waiting
from tegu.stages.reach import reachable
from tegu.stages.shapes import at, without_null

WAIT_S_MAX = 366 * 86_400.0
_ONE_OF = "say one of `seconds`, `until`, `signal`"
_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)"
_PATH = r"[a-z][a-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_-]*)*"


class WaitOptions(Options):
    """See the module."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["seconds"]}, {"required": ["until"]}, {"required": ["signal"]}],
            "description": _ONE_OF,
        }
    )

    seconds: Annotated[float, Field(ge=0, le=WAIT_S_MAX)] | None = None
    until: Annotated[
        str | None,
        Field(
            pattern=rf"^({_TIME}|{_PATH})$",
            description="a time with its zone, as 2026-12-24T08:00:00+01:00, or where one stands: extract.due_at",
        ),
    ] = None
    signal: Annotated[str | None, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.-]+$")] = None
    timeout_s: Annotated[float, Field(gt=0, le=WAIT_S_MAX, description="of a signal")] | None = None
    on_timeout: Literal["fail", "continue"] = "fail"

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if sum(each is not None for each in (self.seconds, self.until, self.signal)) != 1:
            raise ValueError(_ONE_OF)
        return self


class WaitKind:
    """Implements StageKind and CheckingKind."""

    name = "wait"
    version = 1

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        return options_schema(WaitOptions)

    def output_schema(self, config: JsonObject) -> JsonObject:
        """By what it waits for."""
        return schema_of(Waited if config.get("signal") is None else ReceivedSignal)

    def config_problems(self, config: JsonObject, inputs: Mapping[str, JsonObject]) -> Sequence[Problem]:
        """Of a time that stands in an input."""
        written = config.get("until")
        if not isinstance(written, str) or re.fullmatch(_TIME, written):
            return ()
        name, *steps = written.split(".")
        if name not in inputs:
            hint = did_you_mean(name, inputs) or f"wire {name!r} to `inputs`"
            return (Problem("until", f"there is no input {name!r}", hint),)
        if (found := misread(Read(name, tuple(steps)), inputs[name])) is not None:
            return (Problem("until", found.message, found.hint),)
        kind = without_null(at(inputs[name], steps)).get("type")
        if not isinstance(kind, str) or kind == "string":
            return ()
        message = f"{written!r} is {TYPE_WORDS.get(kind, kind)}, no time"
        return (Problem("until", message, "name a text in it, such as 2026-12-24T08:00:00+01:00"),)

    async def perform(self, work: StageWork) -> StageOutput | Postponed:
        """Look whether it is time, or whether the signal is there."""
        options = read_options(WaitOptions, work.config)
        times = await reachable(work.reach.times, "the database's time").of(work.task)
        if options.signal is not None:
            over = times.began_at + timedelta(seconds=options.timeout_s or WAIT_S_MAX)
            return await _signalled(work, options, options.signal, (over - times.now).total_seconds())
        if options.seconds is not None:
            until = times.began_at + timedelta(seconds=options.seconds)
        else:
            until = _time_of(work, options.until or "")
        left_s = (until - times.now).total_seconds()
        if left_s > WAIT_S_MAX:
            raise StageError(f"{until.isoformat()} is more than a year away", code="too_far")
        if left_s > 0:
            return waiting(WAITS_FOR_TIME, f"waits until {until.isoformat()}", due_in_s=left_s)
        return StageOutput({"waited_until": until.isoformat()})


async def _signalled(
    work: StageWork, options: WaitOptions, name: str, left_s: float
) -> StageOutput | Postponed:
    found = await reachable(work.reach.signals, "signals").find(work.task, name)
    if found is not None:
        return StageOutput({"name": found.name, "data": found.data, "is_timeout": False})
    if left_s > 0:
        return waiting(
            WAITS_FOR_SIGNAL,
            f"waits for the signal {name!r}",
            due_in_s=left_s,
            hint=f"tegu runs signal {work.task.run_id} {name}",
        )
    if options.on_timeout == "continue":
        return StageOutput({"name": name, "data": None, "is_timeout": True})
    raise StageError(
        f"the signal {name!r} did not come in time",
        code="timed_out",
        hint="raise timeout_s, or let it go on: `on_timeout: continue`",
    )


def _time_of(work: StageWork, written: str) -> datetime:
    """The time that is written, or stands in an input. Raises StageError."""
    if re.fullmatch(_TIME, written):
        return _parsed(written, "until")
    name, *steps = written.split(".")
    value: JsonValue = next((output_of(item) for item in work.inputs if item.name == name), None)
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    if not isinstance(value, str):
        raise _no_time(f"{written} is no time: {value!r:.60}", f"wire {name!r} to `inputs`")
    return _parsed(value, written)


def _parsed(written: str, place: str) -> datetime:
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise _no_time(f"{place} is no time with a zone: {written!r:.60}", "write 2026-12-24T08:00:00+01:00")
    return found


def _no_time(message: str, hint: str) -> StageError:
    return StageError(message, code="wrong_input", hint=hint)
