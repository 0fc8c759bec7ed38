"""What the shared suites expect of a case, as facts; nothing of them is copied into the project.

A workflow pattern comes as XML with the path that must be taken: which tasks are performed and how often, and which of
them follows which. A Serverless Workflow scenario comes as a definition with its outcome, output, error or order.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

SUITES = Path(__file__).resolve().parents[3] / "shared" / "data" / "workflow_suites"
PATTERNS, SCENARIOS = "spiff_workflow_patterns", "serverlessworkflow_ctk"
_NO_TASKS = frozenset({"Start", "End"})
_AFTER = re.compile(r"^(\w+) should run after (\w+)$")


@dataclass(frozen=True, slots=True)
class Facts:
    """What must be seen. `tasks` and `follows` of a pattern, the others of a scenario."""

    tasks: Mapping[str, int] = field(default_factory=dict[str, int])
    follows: frozenset[tuple[str, str]] = frozenset()
    status: str | None = None
    output: Any = None
    error: Mapping[str, Any] | None = None
    after: tuple[tuple[str, str], ...] = ()


def are_here() -> bool:
    """Whether the suites lie beside the project."""
    return (SUITES / PATTERNS).is_dir() and (SUITES / SCENARIOS).is_dir()


def patterns() -> list[str]:
    """The names of the workflow patterns that have an expected path."""
    return sorted(path.stem for path in (SUITES / PATTERNS).glob("*.path"))


def scenarios() -> Mapping[str, Mapping[str, Any]]:
    """The Serverless Workflow scenarios by name."""
    read = json.loads((SUITES / SCENARIOS / "scenarios.json").read_text("utf-8"))
    return {each["scenario"]: each for each in read["scenarios"]}


def facts_of(suite: str) -> Facts:
    """Of a case, by the name that it has in its suite."""
    folder, _, name = suite.partition("/")
    return _of_pattern(name) if folder == PATTERNS else _of_scenario(scenarios()[name])


def _of_pattern(name: str) -> Facts:
    """The path is what was performed, one line each, indented by depth; a line follows the last one that is less deep,
    where the definition says so too: branches that are performed in turns stand in each other's way.
    """
    successors = _successors(SUITES / PATTERNS / f"{name}.xml")
    tasks: Counter[str] = Counter()
    follows: set[tuple[str, str]] = set()
    above: list[tuple[int, str]] = []
    for line in (SUITES / PATTERNS / f"{name}.path").read_text("utf-8").splitlines():
        task, depth = line.strip(), len(line) - len(line.lstrip())
        while above and above[-1][0] >= depth:
            above.pop()
        if task and task not in _NO_TASKS:
            tasks[task] += 1
            if above and task in successors.get(above[-1][1], ()):
                follows.add((above[-1][1], task))
        above.append((depth, task))
    return Facts(tasks, frozenset(follows))


def _successors(path: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for element in ET.parse(path).getroot():
        name = element.get("name")
        if name is not None:
            tags = ("successor", "default-successor")
            found[name] = {(each.text or "").strip() for each in element.iter() if each.tag in tags}
    return found


def _of_scenario(scenario: Mapping[str, Any]) -> Facts:
    matches = (_AFTER.match(said) for said in scenario.get("order", ()))
    return Facts(
        status={"completed": "completed", "faulted": "failed"}.get(scenario.get("outcome", "")),
        output=scenario.get("expected_output"),
        error=scenario.get("expected_error"),
        after=tuple((match[2], match[1]) for match in matches if match),
    )
