"""What a stage's entry says of how it takes part in a run: joins, failures, mapping over a list.

Part of a definition (`definition`), walked by `plan` and by the stages room. Invariant: what was not said is not written
either, so that documents of before these words keep their hashes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from tegu.domain.json import JsonObject

ITEM = "item"
"""The name by which a mapped stage reads the item that it runs over."""
ALL, ANY, SETTLED = "all", "any", "settled"
Join = str | int
"""`all`, `any`, `settled`, or how many of its upstreams a stage waits for."""
FAIL, CONTINUE, SKIP = "fail", "continue", "skip"
EVERY_OTHER = "*"
PARALLEL_ITEMS = 10


@dataclass(frozen=True, slots=True)
class EachSpec:
    """A stage that runs once per item of a list: `over` is the path of the list (`extract.entities`), `max_parallel` how
    many items are under way at once, `failed_share_max` the share of items that may fail (their outputs are null): with
    0 the first failure is the stage's, with 1 none is.
    """

    over: str
    max_parallel: int = PARALLEL_ITEMS
    failed_share_max: float = 0.0

    @property
    def path(self) -> tuple[str, ...]:
        """Its steps; the first names a stage, `source` or `content`."""
        return tuple(self.over.split("."))

    @property
    def root(self) -> str:
        """What the list is read from."""
        return self.path[0]

    @property
    def is_of_contents(self) -> bool:
        """Whether its items are the contents that came with the run's. What only looks so is data: a model may have written it."""
        return self.path == ("content", "children")

    def to_json(self) -> JsonObject:
        """As documents write it, normalized."""
        match self.failed_share_max:
            case 0:
                on_failure: JsonValue = FAIL
            case 1:
                on_failure = SKIP
            case share:
                on_failure = {"at_most": share}
        return {"over": self.over, "max_parallel": self.max_parallel, "on_failure": on_failure}

    @classmethod
    def from_json(cls, value: JsonValue) -> "EachSpec | None":
        """The inverse of `to_json`, for what was checked when it was stored; a path alone will do."""
        match value:
            case str():
                return cls(value)
            case {"over": str() as over}:
                parallel = value.get("max_parallel")
                return cls(
                    over,
                    parallel if isinstance(parallel, int) else PARALLEL_ITEMS,
                    _failed_share(value.get("on_failure")),
                )
            case _:
                return None


def _failed_share(value: JsonValue) -> float:
    match value:
        case "skip":
            return 1.0
        case {"at_most": int() | float() as share}:
            return float(share)
        case _:
            return 0.0


def value_at(path: tuple[str, ...], value: JsonValue) -> JsonValue:
    """What stands at a path of fields below a value; None where there is nothing."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def retries_to_json(retries: int, by_code: Mapping[str, int]) -> JsonValue:
    """As documents write them: a number, or by error code."""
    return {"default": retries, **{code: by_code[code] for code in sorted(by_code)}} if by_code else retries


def retries_from_json(value: JsonValue, default: int) -> tuple[int, dict[str, int]]:
    """The inverse of `retries_to_json`."""
    match value:
        case int():
            return value, {}
        case dict():
            numbers = {code: number for code, number in value.items() if isinstance(number, int)}
            return numbers.pop("default", default), numbers
        case _:
            return default, {}
