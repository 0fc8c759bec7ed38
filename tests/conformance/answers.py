"""Who answers the tasks of a case: what it says, in the order that it wants, and what was asked and answered when.

The same for tasks that are performed in memory and by worker processes: the instructions of a task name it. A question
that is asked again, because its worker died, is the same question and counts once.
"""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from conformance.case import Case

_TASK = re.compile(r"Task (\w+)/(\w+)\.")
_ITERATION = re.compile(r'"iteration":\s*(\d+)')


class Asked(NamedTuple):
    """Whose task a prompt asks for."""

    case: str
    task: str


def asked_in(prompt: str) -> Asked:
    """The case and the task that instructions name."""
    found = _TASK.search(prompt)
    assert found is not None, f"no task of a case: {prompt[:200]!r}"
    return Asked(found[1], found[2])


@dataclass
class Answers:
    """Of one run of one case. `log` holds `asked NAME#n` and `answered NAME#n`, n counting different questions from 1."""

    case: Case
    log: list[str] = field(default_factory=list[str])
    most_at_once: dict[str, int] = field(default_factory=dict[str, int])
    _questions: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    _at_once: dict[str, int] = field(default_factory=dict[str, int])
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def answer(self, task: str, prompt: str) -> Any:
        """What the task says, when it may; a number is the HTTP status that it fails with."""
        number = await self._note("asked", task, prompt)
        self._at_once[task] = self._at_once.get(task, 0) + 1
        self.most_at_once[task] = max(self.most_at_once.get(task, 0), self._at_once[task])
        try:
            if task in self.case.entry.get("never", ()):
                await asyncio.Event().wait()
            found = _ITERATION.search(prompt)
            iteration = int(found[1]) if found else 1
            await self._until_free(task, iteration)
            said: Any = self.case.entry.get("answers", {}).get(task, f"{task} #{number}")
            match said:
                case {"iterations": answers}:
                    said = answers[iteration - 1]
                case _:
                    pass
        finally:
            self._at_once[task] -= 1
        await self._note("answered", task, prompt)
        return said

    def times(self, verb: str, task: str) -> int:
        """How many different questions of a task were asked, or answered."""
        return len(self.places(verb, task))

    def place(self, verb: str, task: str) -> int | None:
        """Where in the log `NAME` or `NAME#n` was asked or answered."""
        line = f"{verb} {task if '#' in task else f'{task}#1'}"
        return self.log.index(line) if line in self.log else None

    def places(self, verb: str, task: str) -> list[int]:
        """Where in the log each question of a task was asked or answered."""
        return [n for n, line in enumerate(self.log) if line.startswith(f"{verb} {task}#")]

    async def until_asked(self, tasks: list[str]) -> None:
        """Wait until each was asked."""
        async with self._changed:
            await self._changed.wait_for(lambda: all(self.times("asked", task) for task in tasks))

    async def note_sent(self, signal: str) -> None:
        """A signal was sent to the run."""
        await self._note("sent", signal, str(self.times("sent", signal)))

    async def _note(self, verb: str, task: str, prompt: str) -> int:
        questions = self._questions.setdefault(task, [])
        if prompt not in questions:
            questions.append(prompt)
        number = questions.index(prompt) + 1
        async with self._changed:
            if (line := f"{verb} {task}#{number}") not in self.log:
                self.log.append(line)
            self._changed.notify_all()
        return number

    async def _until_free(self, task: str, iteration: int) -> None:
        held: dict[str, dict[str, int]] = self.case.entry.get("held", {}).get(task, {})
        wanted = [(verb, name, n * iteration) for verb, names in held.items() for name, n in names.items()]
        async with self._changed:
            await self._changed.wait_for(
                lambda: all(self.times(verb, name) >= times for verb, name, times in wanted)
            )
