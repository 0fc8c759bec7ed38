"""Conditions (`when`) in CEL: compiled when a document is checked, decided when a stage is ready.

Called by `check` and `plan`. Invariant: deciding a condition can do nothing but read the values it is given, and ends
soon whatever they are: `matches` runs on a linear-time engine, and loops are bounded (see `expression`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import JsonValue

from tegu.domain.errors import ErrorInfo
from tegu.pipeline.expression import Read, read_expression

if TYPE_CHECKING:
    import cel

LENGTH_MAX = 1000
LOOP_VALUES_MAX = 2000
"""How many values (64 characters of text count as one) a condition with loops may read: `filter` is quadratic."""
FACTS = frozenset({"content", "run", "thread"})
"""What a condition may read besides stage outputs: what the run is about, and the run (`facts`)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. `names` are the variables it reads, `reads` what of them."""

    text: str
    names: frozenset[str]
    reads: tuple[Read, ...]
    has_loops: bool
    program: "cel.Program"

    def decide(self, variables: Mapping[str, JsonValue]) -> bool | ErrorInfo:
        """Whether it holds, or why that cannot be said: a missing key, a wrong type, an answer that is no bool."""
        used = {name: variables[name] for name in self.names if name in variables}
        if self.has_loops and _weight(list(used.values()), LOOP_VALUES_MAX) > LOOP_VALUES_MAX:
            return self._error(f"a condition with a loop reads at most {LOOP_VALUES_MAX} values")
        try:
            answer = self.program.execute(used)
        except Exception as error:  # noqa: BLE001 - the library raises another class for every mistake
            return self._error(*_explain(error))
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # raised by the Rust side, no subclass of Exception
                raise
            return self._error("the expression cannot be evaluated")
        if isinstance(answer, bool):
            return answer
        return self._error(
            f"it gave {answer!r:.100}, which is neither true nor false", "compare it with something"
        )

    def _error(self, why: str, hint: str | None = None) -> ErrorInfo:
        return ErrorInfo("condition_failed", f"condition {self.text!r} cannot be decided: {why}", hint=hint)


_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_FOREIGN = (
    (r"(?<![=!<>])=(?!=)", "== to compare"),
    (r"\band\b", "&& instead of and"),
    (r"\bor\b", "|| instead of or"),
    (r"\bnot\b", "! instead of not"),
)


@lru_cache(maxsize=1024)
def compile_condition(text: str) -> Condition:
    """Compile it. Raises ValueError, with the place in the text, when it is no bounded CEL expression."""
    import cel

    if len(text) > LENGTH_MAX:
        raise ValueError(f"the condition has {len(text)} characters; at most {LENGTH_MAX} are allowed")
    try:
        program = cel.compile(text)
    except UnicodeEncodeError as error:
        raise ValueError("the condition holds a character that is no valid text") from error
    except ValueError as error:
        raise ValueError(_syntax_error(str(error))) from error
    expression = read_expression(text)
    return Condition(text, expression.names, expression.reads, expression.has_loops, program)


def syntax_hint(text: str) -> str:
    """How to write what is no CEL expression: the words of other languages first."""
    bare = _QUOTED.sub("", text)
    for word, meant in _FOREIGN:
        if re.search(word, bare):
            return f"write {meant}"
    return "a condition is a CEL expression: classify.category == 'support' && classify.confidence > 0.7"


def _syntax_error(message: str) -> str:
    place = re.search(r"<input>:(\d+):(\d+): (.*)", message)
    if place is None:
        return "it is no CEL expression"
    where = f"character {place[2]}" if place[1] == "1" else f"line {place[1]}, character {place[2]}"
    what = place[3].split(" expecting ")[0].removeprefix("Syntax error: ")
    what = what.replace("mismatched input", "unexpected").replace("'<EOF>'", "end")
    return f"{what} at {where}"


def _explain(error: Exception) -> tuple[str, str | None]:
    match error:
        case KeyError():
            key = error.args[0] if error.args else "?"
            return f"there is no key {key!r}", f"ask first whether it is there, with has(... .{key})"
        case TypeError():
            return (
                "types do not fit",
                "an optional input that was skipped or failed is null: ask first, with != null",
            )
        case _:
            return str(error).split(". Check ")[0].split("\n", 1)[0][:300], None


def _weight(value: JsonValue, limit: int) -> int:
    """How many values there are in it; stops counting at the limit."""
    weight, left = 0, [value]
    while left and weight <= limit:
        item = left.pop()
        weight += 1
        if isinstance(item, str):
            weight += len(item) // 64
        elif isinstance(item, list):
            left.extend(item)
        elif isinstance(item, dict):
            left.extend(item.values())
    return weight
