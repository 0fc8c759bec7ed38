"""How a stage says that it takes part in a run (`join`, `each`, `on_failure`, ...), read from its entry.

Called by `check_stage`. Invariant: a wrong field is reported and read as if it were not there.
"""

from collections.abc import Sequence

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.pipeline.flow import (
    ALL,
    ANY,
    CONTINUE,
    EVERY_OTHER,
    FAIL,
    ITEM,
    PARALLEL_ITEMS,
    SETTLED,
    SKIP,
    EachSpec,
    Join,
)
from tegu.pipeline.limits import (
    DEADLINE_S_MAX,
    PARALLEL_ITEMS_MAX,
    RETRIES_MAX,
    STAGES_MAX,
    is_name,
)
from tegu.pipeline.report import Report, did_you_mean, one_of, type_word

_EACH_KEYS = ("over", "max_parallel", "on_failure")
_EACH_HINT = "each: extract.people, or each: {over: extract.people, max_parallel: 10, on_failure: skip}"
_ON_ITEM_FAILURE = "fail, skip, or {at_most: 0.2}"
_JOIN_HINT = "all, any, settled, or how many of its upstreams: 2"
_RETRIES_HINT = f"a whole number from 0 to {RETRIES_MAX}: the attempts after the first"


def read_deadline_s(entry: JsonObject, place: str, report: Report) -> float | None:
    """`deadline_s` of a stage or a pipeline; `place` is that of the entry, empty for the pipeline."""
    value = entry.get("deadline_s")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= DEADLINE_S_MAX:
        where = f"{place}.deadline_s" if place else "deadline_s"
        hint = f"seconds from the start, more than 0 and at most {DEADLINE_S_MAX:.0f}"
        report.add(where, f"{value!r:.60} is not allowed", hint)
        return None
    return float(value)


class FlowReader:
    """Reads one entry."""

    def __init__(self, entry: JsonObject, place: str, report: Report) -> None:
        self._entry = entry
        self._report = report
        self._place = place

    def join(self) -> Join:
        """`join`."""
        match self._entry.get("join"):
            case None:
                return ALL
            case "all" | "any" | "settled" as word:
                return word
            case bool():
                pass
            case int() as count if 1 <= count <= STAGES_MAX:
                return ANY if count == 1 else count  # `any` is the first of them: one meaning, one hash
            case str() as word:
                hint = did_you_mean(word, (ALL, ANY, SETTLED)) or _JOIN_HINT
                self._add("join", f"{word!r:.60} is no join", hint)
                return ALL
            case _:
                pass
        self._add("join", f"{self._entry.get('join')!r:.60} is not allowed", _JOIN_HINT)
        return ALL

    def names(self, key: str, also: Sequence[str] = ()) -> tuple[str, ...]:
        """`else_of` or `cancels`: names of stages, in the order of the alphabet; `also` may stand there too."""
        value = self._entry.get(key)
        if value is None:
            return ()
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list):
            self._add(key, f"must be a list, not {type_word(value)}", f"{key}: [refund]")
            return ()
        found: set[str] = set()
        for i, name in enumerate(value):
            if isinstance(name, str) and (is_name(name) or name in also):
                found.add(name)
            else:
                self._add(f"{key}[{i}]", "is no stage", "write its name")
        return (EVERY_OTHER,) if EVERY_OTHER in found else tuple(sorted(found))

    def on_failure(self) -> str:
        """`on_failure`: a word, or the name of a stage."""
        value = self._entry.get("on_failure")
        if value is None:
            return FAIL
        if isinstance(value, str) and is_name(value):
            return value
        hint = f"{FAIL}, {CONTINUE}, or the stage that handles the failure"
        self._add("on_failure", f"{value!r:.60} is not allowed", hint)
        return FAIL

    def retries(self, default: int) -> tuple[int, dict[str, int]]:
        """`retries`: those after any failure, and those after failures of one code."""
        value = self._entry.get("retries")
        if not isinstance(value, dict):
            return (default if value is None else self._count("retries", value, default)), {}
        counts: dict[str, int] = {}
        for code, count in value.items():
            if is_name(code):
                counts[code] = self._count(f"retries.{code}", count, default)
            else:
                hint = "{default: 2, timeout: 5, rate_limited: 8}"
                self._add(f"retries.{code}", f"{code!r:.60} is no error code", hint)
        usual = counts.pop("default", default)
        # What is the same as the rest says nothing.
        return usual, {code: count for code, count in counts.items() if count != usual}

    def deadline_s(self) -> float | None:
        """`deadline_s`."""
        return read_deadline_s(self._entry, self._place, self._report)

    def each(self) -> EachSpec | None:
        """`each`: a path, or a mapping with one."""
        value = self._entry.get("each")
        match value:
            case None:
                return None
            case str():
                over = self._path(value, "each")
                return EachSpec(over) if over else None
            case dict():
                return self._each(value)
            case _:
                self._add("each", f"must be the path of a list, not {type_word(value)}", _EACH_HINT)
                return None

    def _each(self, value: JsonObject) -> EachSpec | None:
        for key in value:
            if key not in _EACH_KEYS:
                hint = did_you_mean(key, _EACH_KEYS) or one_of(_EACH_KEYS)
                self._add(f"each.{key}", f"a map has no {key!r}", hint)
        if "over" not in value:
            self._add("each", "does not say which list", _EACH_HINT)
            return None
        over = self._path(value["over"], "each.over")
        parallel, share = self._parallel(value.get("max_parallel")), self._share(value.get("on_failure"))
        return EachSpec(over, parallel, share) if over else None

    def _path(self, value: JsonValue, key: str) -> str | None:
        steps = value.split(".") if isinstance(value, str) else []
        if steps and is_name(steps[0]) and all(step.isidentifier() for step in steps) and steps[0] != ITEM:
            return ".".join(steps)
        self._add(key, f"{value!r:.60} is no path of a list", _EACH_HINT)
        return None

    def _parallel(self, value: JsonValue) -> int:
        if value is None:
            return PARALLEL_ITEMS
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= PARALLEL_ITEMS_MAX:
            hint = f"a whole number from 1 to {PARALLEL_ITEMS_MAX}: the items under way at once"
            self._add("each.max_parallel", f"{value!r:.60} is not allowed", hint)
            return PARALLEL_ITEMS
        return value

    def _share(self, value: JsonValue) -> float:
        match value:
            case None | "fail":
                return 0.0
            case "skip":
                return 1.0
            case {"at_most": bool()}:
                pass
            case {"at_most": int() | float() as share, **rest} if not rest and 0 <= share <= 1:
                return float(share)
            case _:
                pass
        near = did_you_mean(value, (FAIL, SKIP)) if isinstance(value, str) else None
        self._add("each.on_failure", f"{value!r:.60} is not allowed", near or _ON_ITEM_FAILURE)
        return 0.0

    def _count(self, key: str, value: JsonValue, default: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= RETRIES_MAX:
            self._add(key, f"{value!r:.60} is not allowed", _RETRIES_HINT)
            return default
        return value

    def _add(self, key: str, message: str, hint: str) -> None:
        self._report.add(f"{self._place}.{key}", message, hint)
