"""Workers as people see them, and what a run waits for when none of them has its Python stages."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class LivingWorker:
    """A process that drives runs and whose lease has not ended. `drives_all` False: only the runs that it started.
    `functions` are the Python stages that it has, `features` what it knows of the language of pipelines.
    """

    id: UUID
    host: str
    pid: int
    version: str
    concurrency: int
    functions: tuple[str, ...]
    features: tuple[str, ...]
    drives_all: bool
    owned_runs: int
    started_at: datetime
    beat_at: datetime


@dataclass(frozen=True, slots=True)
class UnservedRuns:
    """Due runs that no living worker can take: how many, and the Python stages and features that are missing."""

    missing: tuple[str, ...]
    runs: int


def missing_functions(needed: Collection[str], workers: Iterable[Collection[str]]) -> tuple[str, ...]:
    """What keeps a run from being taken: nothing where one worker has all that it needs, otherwise what none has, and
    all of it where each function is somewhere, but not all of them in one worker.
    """
    wanted, somewhere = set(needed), set[str]()
    for functions in workers:
        if wanted <= set(functions):
            return ()
        somewhere.update(functions)
    return tuple(sorted(wanted - somewhere or wanted))


def is_function(name: str) -> bool:
    """Whether what a run needs is a Python stage, `refund@1`, and not a feature that workers of this release have."""
    return "@" in name


def waiting_reason(missing: Collection[str]) -> str:
    """`no worker has refund@1`."""
    names = list(missing)
    return f"no worker has {' and '.join([', '.join(names[:-1]), names[-1]] if len(names) > 1 else names)}"
