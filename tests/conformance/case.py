"""Cases of the pattern suites: a pattern, how our language says it, and what must be seen when it runs.

Read from cases/*.yaml by the tests and by the page docs/workflow-patterns.md. A stage without `uses` is a task: a prompt
whose instructions name the case and the stage, so that whoever answers knows which is asked. Keys of a case:

    name title group suite   suite: FOLDER/NAME of the case in the shared suites, where there is one
    verdict says breaks      expressed | another_way | out_of_scope; how it is said; what saying it as such would break
    stages | pipelines       one pipeline; or several as {name, stages, ...}, the last is run, those before it are nested
    tasks                    our stage: their task; a name that is ours alone is null. What is left out is called the same
    constructs               their tasks that are no stage of ours
    answers                  what a task answers; {iterations: [...]} in a loop; {fails: HTTP status}
    held                     a task is answered only after {asked: {task: times}, answered: {...}, sent: {signal: times}}
    never                    tasks that nobody answers: they must be cancelled
    signals                  {name, data, keep, after, heard} sent when the tasks of `after` were asked
    source                   the text that is run over
    ends                     {status, skipped, cancelled, failed, times: {task: n}, order: [[before, after]],
                             at_once: {task: n}, error: {...}, answer: STAGE, output: its output, has: [what is in it]}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent / "cases"
GROUPS = {
    "basic": "Basic control flow",
    "branching": "Advanced branching and synchronization",
    "instances": "Multiple instances",
    "state": "State-based",
    "cancellation": "Cancellation",
    "iteration": "Iteration",
    "termination": "Termination",
    "triggers": "Triggers",
    "nesting": "Nesting",
    "serverless": "Serverless Workflow conformance scenarios",
}
_FROM_OUTSIDE = frozenset({"wait", "review", "http", "webhook"})
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """See the module. `entry` is what is written."""

    name: str
    group: str
    entry: Json

    @property
    def title(self) -> str:
        return self.entry["title"]

    @property
    def verdict(self) -> str:
        return self.entry.get("verdict", "expressed")

    @property
    def suite(self) -> str | None:
        return self.entry.get("suite")

    @property
    def is_run(self) -> bool:
        return "stages" in self.entry or "pipelines" in self.entry

    @property
    def is_pure(self) -> bool:
        """Whether it runs in memory too. There nobody is asked, signalled or served from outside, and nested runs go one after
        the other, so that one which never ends keeps the others from what they are waited for.
        """
        documents = self.documents()
        kinds = {entry["uses"] for document in documents for entry in document["stages"].values()}
        return not kinds & _FROM_OUTSIDE and not (len(documents) > 1 and "never" in self.entry)

    @property
    def ends(self) -> Json:
        return self.entry.get("ends", {})

    @property
    def signals(self) -> Sequence[Json]:
        return self.entry.get("signals", [])

    @property
    def source(self) -> str:
        """The text that is run over."""
        return self.entry.get("source", f"Nothing but {self.name}.")

    def documents(self, server: str = "http://pets.example") -> list[Json]:
        """The pipelines as documents, in the order in which they must be published; the last one is run. `server` is
        the address of the service that they ask.
        """
        written: list[Json] = self.entry.get("pipelines") or [
            {"name": self.name, **{key: self.entry[key] for key in ("stages", "output") if key in self.entry}}
        ]
        return [
            {
                "tegu": 1,
                "input": "content",
                **each,
                "stages": {
                    stage: self._stage(stage, entry or {}, server) for stage, entry in each["stages"].items()
                },
            }
            for each in written
        ]

    def tasks(self) -> Sequence[str]:
        """The stages that are tasks, of all its pipelines."""
        return [
            name
            for document in self.documents()
            for name, entry in document["stages"].items()
            if entry["uses"] == "prompt"
        ]

    def theirs(self, stage: str) -> str | None:
        """What the suite calls a stage of ours."""
        names: Mapping[str, str | None] = self.entry.get("tasks", {})
        return names.get(stage, stage)

    def _stage(self, name: str, entry: Json, server: str) -> Json:
        if "url" in entry.get("with", {}):
            url = entry["with"]["url"].replace("{server}", server)
            return {**entry, "with": {**entry["with"], "url": url}}
        if "uses" in entry:
            return entry
        options = {"instructions": f"Task {self.name}/{name}.", **entry.get("with", {})}
        return {"uses": "prompt", "retries": 0, **entry, "with": options}


@cache
def cases() -> tuple[Case, ...]:
    """All of them, in the order of the groups."""
    found: list[Case] = []
    for group in GROUPS:
        path = FOLDER / f"{group}.yaml"
        written: dict[str, Json] = yaml.safe_load(path.read_text("utf-8")) if path.exists() else {}
        found += [Case(name, group, entry) for name, entry in written.items()]
    return tuple(found)


def run_cases() -> list[Case]:
    """Those that say a pipeline."""
    return [case for case in cases() if case.is_run]
