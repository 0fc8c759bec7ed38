"""The condition of a loop, compared with what its iterations put out.

Called by the loop kind, and where a pipeline is published, which knows the pipeline that is repeated. Invariant: as for `when`,
only what can never be right is a problem.
"""

from collections.abc import Mapping

from tegu.domain.errors import Problem
from tegu.domain.json import JsonObject
from tegu.pipeline.condition import compile_condition, syntax_hint
from tegu.pipeline.condition_types import examine_condition
from tegu.pipeline.report import did_you_mean

_PLACE = "until"
_ITERATION: JsonObject = {"type": "integer"}
_HINT = "it reads `output`, what the iteration put out, and `iteration`, its number"


def until_problems(until: str, output: JsonObject) -> tuple[Problem, ...]:
    """Everything that is wrong with it, where iterations put this out."""
    try:
        condition = compile_condition(until)
    except ValueError as error:
        return (Problem(_PLACE, str(error), syntax_hint(until)),)
    known: Mapping[str, JsonObject] = {"output": output, "iteration": _ITERATION}
    unknown = [
        Problem(_PLACE, f"there is no {name!r} here", did_you_mean(name, known) or _HINT)
        for name in sorted(condition.names - known.keys())
    ]
    found = examine_condition(condition, lambda name: known.get(name, {})).problems
    return (*unknown, *(Problem(_PLACE, each.message, each.hint) for each in found))
