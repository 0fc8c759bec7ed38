"""What was seen of a run, beside what must be seen: our own expectation, and the suite's where it is there."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conformance import suites
from conformance.answers import Answers
from conformance.case import Case
from conformance.suites import Facts

Times = Mapping[str, tuple[datetime | None, datetime | None]]


@dataclass(frozen=True, slots=True)
class Seen:
    """A run that has ended. Statuses, outputs and times (begun, ended) are those of its own stages, by name."""

    status: str
    statuses: Mapping[str, str]
    outputs: Mapping[str, Any]
    times: Times
    error: Mapping[str, Any] | None
    errors: Mapping[str, str]
    answers: Answers


def problems(case: Case, seen: Seen) -> list[str]:
    """Everything that is not as it must be; of the suite's facts only where the suite is there."""
    found = [*_of_ours(case, seen)]
    if case.suite is not None and suites.are_here():
        facts = suites.facts_of(case.suite)
        found += [*_of_path(case, seen, facts), *_of_scenario(case, seen, facts)]
    return (
        [*found, *(f"{stage}: {error}" for stage, error in seen.errors.items()), *seen.answers.log]
        if found
        else []
    )


def _of_ours(case: Case, seen: Seen) -> Iterator[str]:
    ends = case.ends
    yield from _differs("status of the run", ends.get("status", "completed"), seen.status)
    stages = case.documents()[-1]["stages"]
    wanted = dict.fromkeys(stages, "completed")
    for status in ("skipped", "cancelled", "failed"):
        wanted |= dict.fromkeys(ends.get(status, ()), status)
    yield from _differs("statuses", wanted, dict(seen.statuses))
    for task in case.tasks():
        times = ends.get("times", {}).get(task, int(wanted[task] == "completed") if task in wanted else None)
        if times is not None:
            yield from _differs(f"times that {task} is answered", times, seen.answers.times("answered", task))
    for before, after in ends.get("order", ()):
        yield from _order(seen.answers, before, after)
    output = seen.outputs.get(ends.get("answer", ""))
    if "output" in ends:
        yield from _differs("output", ends["output"], output)
    for path in ends.get("has", ()):
        if not _has(output, path.split(".")):
            yield f"output: no {path} in {output!r}"
    for task, most in ends.get("at_once", {}).items():
        yield from _differs(f"{task} under way at once", most, seen.answers.most_at_once.get(task, 0))
    for name, value in ends.get("error", {}).items():
        yield from _differs(f"error.{name}", value, (seen.error or {}).get(name))


def _of_path(case: Case, seen: Seen, facts: Facts) -> Iterator[str]:
    if not facts.tasks:
        return
    constructs = set(case.entry.get("constructs", ()))
    wanted = {task: times for task, times in facts.tasks.items() if task not in constructs}
    took: Counter[str] = Counter()
    for task in case.tasks():
        theirs, times = case.theirs(task), seen.answers.times("answered", task)
        if theirs is not None and times:
            took[theirs] += times
    for stage, status in seen.statuses.items():
        theirs = case.theirs(stage)
        if stage not in case.tasks() and status == "completed" and theirs in wanted:
            took[theirs] += 1
    yield from _differs("path", wanted, dict(took))
    ours: dict[str | None, list[str]] = {}
    for task in case.tasks():
        ours.setdefault(case.theirs(task), []).append(task)
    for before, after in sorted(facts.follows):
        if not _follows(seen.answers, ours.get(before, []), ours.get(after, [])):
            yield f"{after} follows {before} in the suite's path"


def _follows(answers: Answers, before: list[str], after: list[str]) -> bool:
    """Whether some question of one came after an answer of the other, where both are tasks of ours."""
    answered = [answers.places("answered", task) for task in before]
    asked = [answers.places("asked", task) for task in after]
    begins, ends = [place for places in answered for place in places], [p for places in asked for p in places]
    return not (begins and ends) or min(begins) < max(ends)


def _of_scenario(case: Case, seen: Seen, facts: Facts) -> Iterator[str]:
    if facts.status is not None:
        yield from _differs("the suite's outcome", facts.status, seen.status)
    if facts.output is not None:
        yield from _differs("the suite's output", facts.output, seen.outputs.get(case.ends.get("answer", "")))
    if facts.error is not None:
        error = seen.error or {}
        yield from _differs("the suite's error", facts.error["title"], error.get("message"))
        yield from _differs("its type", facts.error["type"].rpartition("/")[2], error.get("code"))
        place = case.theirs(str(error.get("stage")))
        yield from _differs("its place", facts.error["instance"].rpartition("/")[2], place)
    ours = {case.theirs(stage): stage for stage in seen.statuses}
    for before, after in facts.after:
        ended, begun = seen.times[ours[before]][1], seen.times[ours[after]][0]
        if ended is None or begun is None or begun < ended:
            yield f"{after} runs after {before} in the suite's order"


def _has(value: Any, path: list[str]) -> bool:
    return not path or (isinstance(value, dict) and path[0] in value and _has(value[path[0]], path[1:]))


def _order(answers: Answers, before: str, after: str) -> Iterator[str]:
    ended, begun = answers.place("answered", before), answers.place("asked", after)
    if ended is None or begun is None or begun < ended:
        yield f"{after} must come after {before}"


def _differs(what: str, wanted: object, found: object) -> Iterator[str]:
    if wanted != found:
        yield f"{what}: wanted {wanted!r}, found {found!r}"
