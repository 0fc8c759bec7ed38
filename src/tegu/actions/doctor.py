"""Whether everything that Tegu needs is there: one check per line, each with a verdict and what to do.

Called by the app for `tegu doctor`. Invariant: it changes nothing, and shows names of keys, never keys.
"""

import platform
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version

from tegu.domain.errors import ConfigurationError, StorageUnavailableError
from tegu.domain.invariant import BrokenRow, InvariantCheck
from tegu.domain.worker import is_function, waiting_reason
from tegu.llm.credentials import EnvironmentCredentials
from tegu.llm.model_names import ModelNames
from tegu.llm.providers.registry import PROVIDER_NAMES
from tegu.settings import Settings
from tegu.storage.database import APP_ROLE, ENGINE_ROLE, DatabaseAddress
from tegu.storage.health import DatabaseHealth, health, workers_and_unserved
from tegu.storage.invariants import check_invariants
from tegu.storage.migrate import current_revision, head

_SNAPSHOT_WARNING_S = 300.0
_DISK_WARNING_BYTES = 1 << 30
_SERVER_VERSION_MIN = 150000
ROWS_DEFAULT = 5
ROWS_MAX = 1000


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One thing that was looked at. `rows` break an invariant; there may be more of them."""

    name: str
    verdict: Verdict
    detail: str
    hint: str | None = None
    rows: tuple[BrokenRow, ...] = ()


async def examine(
    settings: Settings,
    address: Callable[[], Awaitable[DatabaseAddress]],
    credentials: EnvironmentCredentials,
    *,
    rows_max: int = ROWS_DEFAULT,
) -> tuple[HealthCheck, ...]:
    """Every check. Of each broken invariant at most `rows_max` rows are returned."""
    keys = [(name, credentials.has_credential(name)) for name in PROVIDER_NAMES]
    checks = [
        _python(),
        _version(),
        *await _database(address, rows_max),
        _model(settings),
        _keys(keys),
        _disk(settings),
    ]
    return tuple(checks)


def _python() -> HealthCheck:
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return HealthCheck("python", Verdict.OK if sys.version_info >= (3, 11) else Verdict.FAILED, detail)


def _version() -> HealthCheck:
    return HealthCheck("tegu", Verdict.OK, version("tegu"))


async def _database(address: Callable[[], Awaitable[DatabaseAddress]], rows_max: int) -> list[HealthCheck]:
    try:
        found = await address()
        facts = await health(found)
        revision = await current_revision(found)
    except StorageUnavailableError as error:
        return [HealthCheck("database", Verdict.FAILED, error.message, error.hint)]
    where = "embedded" if found.is_embedded else "DATABASE_URL"
    reached = HealthCheck("database", Verdict.OK, f"{where}, {facts.size_bytes / 2**20:.0f} MiB")
    is_current = revision == head()
    return [
        reached,
        _server(facts),
        _schema(revision, is_embedded=found.is_embedded),
        *(_security(facts) if facts.tables else []),
        _snapshot(facts),
        *(await _workers(found) if is_current else []),
        *(_invariants(await check_invariants(found, rows_max=rows_max)) if is_current else []),
    ]


def _server(facts: DatabaseHealth) -> HealthCheck:
    if facts.server_version_number < _SERVER_VERSION_MIN:
        hint = "Tegu needs PostgreSQL 15 or newer"
        return HealthCheck("server", Verdict.FAILED, f"PostgreSQL {facts.server_version}", hint)
    return HealthCheck("server", Verdict.OK, f"PostgreSQL {facts.server_version}")


def _schema(revision: str | None, *, is_embedded: bool) -> HealthCheck:
    if revision == head():
        return HealthCheck("schema", Verdict.OK, f"revision {revision}")
    detail = f"revision {revision}, this version has {head()}" if revision else "no tables yet"
    if is_embedded:
        return HealthCheck("schema", Verdict.OK, f"{detail}; the next command brings it up to date")
    return HealthCheck("schema", Verdict.FAILED, detail, "run `tegu migrate`")


def _security(facts: DatabaseHealth) -> list[HealthCheck]:
    open_tables = ", ".join(facts.unprotected_tables)
    rows = (
        HealthCheck("row security", Verdict.FAILED, f"is off for {open_tables}", "run `tegu migrate`")
        if open_tables
        else HealthCheck("row security", Verdict.OK, f"on and forced for all {facts.tables} tables")
    )
    above = ", ".join(role.name for role in facts.roles if role.is_above_row_security)
    names = ", ".join(role.name for role in facts.roles)
    roles = (
        HealthCheck(
            "roles",
            Verdict.FAILED,
            f"{above} passes row security by",
            f"connect as {APP_ROLE} and {ENGINE_ROLE}: see TEGU_APP_DATABASE_URL and TEGU_ENGINE_DATABASE_URL",
        )
        if above
        else HealthCheck("roles", Verdict.OK, f"{names}: no superuser, held back by row security")
    )
    return [rows, roles]


def _snapshot(facts: DatabaseHealth) -> HealthCheck:
    age_s = facts.oldest_snapshot_s
    if age_s is None:
        return HealthCheck("oldest snapshot", Verdict.OK, "none open")
    if age_s < _SNAPSHOT_WARNING_S:
        return HealthCheck("oldest snapshot", Verdict.OK, f"{age_s:.1f} s")
    hint = "an old transaction keeps dead rows alive and slows every commit: look at pg_stat_activity"
    return HealthCheck("oldest snapshot", Verdict.WARNING, f"{age_s:.0f} s", hint)


async def _workers(address: DatabaseAddress) -> list[HealthCheck]:
    living, unserved = await workers_and_unserved(address)
    shared = [worker for worker in living if worker.drives_all]
    functions = sorted({name for worker in shared for name in worker.functions})
    having = f", with {', '.join(functions)}" if functions else ""
    checks = [HealthCheck("workers", Verdict.OK, f"{len(shared)} alive{having}")]
    for runs in unserved:
        waits = "1 run waits" if runs.runs == 1 else f"{runs.runs} runs wait"
        hint = "start a worker that has it: `tegu worker --import MODULE`"
        if not all(map(is_function, runs.missing)):
            hint = "those that are alive are of an older release: start workers of this one"
        reason = waiting_reason(runs.missing)
        checks.append(HealthCheck("waiting runs", Verdict.WARNING, f"{waits}: {reason}", hint))
    return checks


def _invariants(checks: tuple[InvariantCheck, ...]) -> list[HealthCheck]:
    """One line for those that hold, and one for each that does not."""
    holding = sum(check.is_looked_at and not check.broken for check in checks)
    found = [HealthCheck("invariants", Verdict.OK, f"{holding} of {len(checks)} hold")]
    for check in checks:
        if not check.is_looked_at:
            hint = "the tables are large: look again when the database is less busy"
            found.append(HealthCheck(check.name, Verdict.WARNING, "not looked at: it took too long", hint))
        elif check.broken:
            hint = "keep these rows and report them: this is a defect, or somebody changed the tables by hand"
            detail = f"not so: {check.claim}"
            found.append(HealthCheck(check.name, Verdict.FAILED, detail, hint, check.broken))
    return found


def _model(settings: Settings) -> HealthCheck:
    if settings.model is None:
        return HealthCheck("model", Verdict.WARNING, "none by default", "set TEGU_MODEL, or pass --model")
    try:
        ModelNames(settings.models).check(settings.model)
        return HealthCheck("model", Verdict.OK, f"{settings.model} by default")
    except ConfigurationError as error:
        return HealthCheck("model", Verdict.FAILED, error.message, error.hint)


def _keys(keys: Iterable[tuple[str, bool]]) -> HealthCheck:
    present = [provider for provider, is_present in keys if is_present]
    return HealthCheck("providers", Verdict.OK, f"can be called from here: {', '.join(present)}")


def _disk(settings: Settings) -> HealthCheck:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    free_bytes = shutil.disk_usage(folder).free
    detail = f"{free_bytes / 2**30:.1f} GiB free at {settings.home}"
    if free_bytes < _DISK_WARNING_BYTES:
        return HealthCheck("disk", Verdict.WARNING, detail, "make room, or move TEGU_HOME")
    return HealthCheck("disk", Verdict.OK, detail)
