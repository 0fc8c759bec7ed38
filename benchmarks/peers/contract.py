"""What a module in `systems` offers, and what it is told. Standard library only: it runs in every virtual environment.

A system either has a queue (`enqueue` stores runs, any number of `work` processes take them), or it has none
(`IN_PROCESS`): then the runs are handed over its workers' standard input, and `work` performs what arrives there.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

HOST = "PEERS_PGHOST"


@dataclass(frozen=True, slots=True)
class Job:
    """What each run does: so many stages in a row, each sleeping so long."""

    stages: int = 3
    sleep_s: float = 0.0


@dataclass(frozen=True, slots=True)
class WorkerPlace:
    """Which worker process this is, and how much it does at once."""

    index: int
    concurrency: int


class System(Protocol):
    """A module of `systems`."""

    NAME: str
    PACKAGES: tuple[str, ...]
    """Whose installed versions are written into the figures."""
    IN_PROCESS: bool
    RUNS_5_S: int
    """Runs of three no-op stages that it does in about five seconds: how many are queued for a throughput."""
    BEST_CONCURRENCY: int
    """At which its throughput was best when it was tried."""

    async def prepare(self) -> None:
        """A fresh database."""
        ...

    async def enqueue(self, runs: list[str], job: Job) -> None:
        """Store these runs, in one transaction if it has one for that; what the bodies of their stages will call them."""
        ...

    def work(self, place: WorkerPlace) -> None:
        """Be a worker until killed."""
        ...


def dsn(database: str) -> str:
    """The database of that name on the server under test."""
    return f"postgresql://postgres:@/{database}?host={os.environ[HOST]}"


async def handed_over() -> AsyncGenerator[tuple[list[str], Job]]:
    """What arrives on standard input of a worker of a system without a queue."""
    reader = asyncio.StreamReader(limit=10_000_000)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        runs, stages, sleep_s = json.loads(line)
        yield runs, Job(stages, sleep_s)
