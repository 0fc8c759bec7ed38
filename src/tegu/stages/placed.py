"""Values of the inputs of a stage, each with the place where it stands.

Called by the kinds that gather data. Invariants: a path is read without evaluating anything; what is not there is None;
and no list has more than ITEMS_MAX items.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, TypeVar

from pydantic import Field, JsonValue

from tegu.domain.errors import StageError
from tegu.stages.inputs import StageInput, TextInput

ITEMS_MAX = 100_000
DEPTH_MAX = 50
ResultT = TypeVar("ResultT")
_MANY = 5_000

DottedPath = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^.\s]+(\.[^.\s]+)*$")]
"""`invoice.lines`: keys of objects; in a list it is read of each item."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A value; the input that it is of, and its JSON pointer there."""

    value: JsonValue
    source: str
    pointer: str = ""

    @property
    def place(self) -> str:
        """As people read it: `extract/3`."""
        return f"{self.source}{self.pointer}"

    def inside(self, step: str | int, value: JsonValue) -> "Placed":
        """What stands one step further in."""
        text = str(step).replace("~", "~0").replace("/", "~1")
        return Placed(value, self.source, f"{self.pointer}/{text}")

    def items(self) -> Iterator["Placed"]:
        """Those of a list."""
        assert isinstance(self.value, list)
        for index, value in enumerate(self.value):
            yield self.inside(index, value)


def data_of(inputs: Sequence[StageInput]) -> list[Placed]:
    """The outputs among the inputs. Raises StageError for the run's text, which is no data."""
    found: list[Placed] = []
    for each in inputs:
        if isinstance(each, TextInput) and each.output is None:
            raise StageError(
                f"input {each.name!r} is a text, and outputs of stages are gathered",
                code="wrong_input",
                hint="inputs: [...], the stages whose outputs are meant",
            )
        found.append(Placed(each.output if isinstance(each, TextInput) else each.value, each.name))
    return found


def taken(placed: Placed, steps: Sequence[str]) -> Iterator[Placed]:
    """What stands at a path; of each item where a list stands on the way."""
    if not steps:
        yield placed
    elif isinstance(placed.value, list):
        for item in placed.items():
            yield from taken(item, steps)
    else:
        step = steps[0]
        value = placed.value.get(step) if isinstance(placed.value, dict) else None
        yield from taken(placed.inside(step, value), steps[1:])


def flat(placed: Placed, depth: int = 0) -> Iterator[Placed]:
    """The value itself; of a list its items, and those of lists in it."""
    if isinstance(placed.value, list) and depth < DEPTH_MAX:
        for item in placed.items():
            yield from flat(item, depth + 1)
    else:
        yield placed


def steps_of(path: str | None) -> tuple[str, ...]:
    """The keys of a dotted path."""
    return tuple(path.split(".")) if path else ()


def too_many(what: str) -> StageError:
    """What is said of more than ITEMS_MAX."""
    return StageError(
        f"{what} has more than {ITEMS_MAX} items",
        code="too_many_items",
        hint="gather less at a time, for example in sub-pipelines",
    )


async def worked_out(work: Callable[[], ResultT], inputs: Sequence[Placed]) -> ResultT:
    """The result of pure work over these inputs: of many values in a thread, so that whatever else this process drives goes on."""
    return await asyncio.to_thread(work) if _are_many(inputs) else work()


def _are_many(inputs: Sequence[Placed]) -> bool:
    """Whether it takes longer than a few milliseconds to go through them; no more are counted than that."""
    left: list[JsonValue] = [each.value for each in inputs]
    count = 0
    while left and count + len(left) < _MANY:
        count += 1
        match left.pop():
            case list() as items:
                left.extend(items[:_MANY])
            case dict() as fields:
                left.extend(islice(fields.values(), _MANY))
            case _:
                pass
    return bool(left)
