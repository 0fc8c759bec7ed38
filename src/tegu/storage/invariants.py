"""What must always be true of the stored state, each as one statement that finds the rows which break it.

Called by the action `doctor` and by the tests of faults. Invariants of its own: it only reads, every statement sees one
moment, and it shows ids and statuses, never what an organization wrote.
"""

import asyncpg

from tegu.domain.invariant import BrokenRow, InvariantCheck
from tegu.storage.database import ENGINE_ROLE, DatabaseAddress, connect, reaching
from tegu.storage.organization_erasure import check_nothing_is_left
from tegu.storage.statements import statement

INVARIANTS = (
    "invariant_owners_are_alive",
    "invariant_nothing_is_stuck",
    "invariant_ended_runs_have_ended_stages",
    "invariant_runs_are_what_their_stages_are",
    "invariant_outputs_are_committed_once",
    "invariant_results_come_from_completed_stages",
    "invariant_events_have_no_gap",
    "invariant_rows_have_their_run",
    "invariant_runs_have_their_input",
    "invariant_journal_has_its_call",
    "invariant_no_reply_is_paid_twice",
    "invariant_calls_add_up",
    "invariant_budgets_add_up",
    "invariant_deleted_contents_left_nothing",
    "invariant_quotas_add_up",
    "invariant_open_reviews_are_waited_for",
    "invariant_children_end_with_their_parents",
    "invariant_tallies_add_up",
)

_WHOLE_TABLES = "set local enable_seqscan = on; set local enable_mergejoin = on; set local work_mem = '64MB'"
"""The engine's connections are set for single rows; these statements read all there are."""


async def check_invariants(address: DatabaseAddress, *, rows_max: int) -> tuple[InvariantCheck, ...]:
    """Look at each; at most `rows_max` rows of each are returned. Raises StorageUnavailableError."""
    with reaching(address):
        connection = await connect(address, ENGINE_ROLE)
        try:
            async with connection.transaction(readonly=True):
                return await checks_on(connection, rows_max=rows_max)
        finally:
            await connection.close()


async def checks_on(
    connection: "asyncpg.Connection[asyncpg.Record]", *, rows_max: int
) -> tuple[InvariantCheck, ...]:
    """The same within a transaction of the caller's, whose role must see all organizations."""
    await connection.execute(_WHOLE_TABLES)
    checks = [await _check(connection, name, rows_max) for name in INVARIANTS]
    return (*checks, await check_nothing_is_left(connection, rows_max=rows_max))


async def _check(
    connection: "asyncpg.Connection[asyncpg.Record]", name: str, rows_max: int
) -> InvariantCheck:
    text = statement(name)
    called = name.removeprefix("invariant_").replace("_", " ")
    claim = text.partition("\n")[0].removeprefix("-- ").rstrip(".")
    try:
        async with connection.transaction():  # so that one which takes too long leaves the others their turn
            rows = await connection.fetch(text, rows_max)
    except asyncpg.QueryCanceledError:
        return InvariantCheck(called, claim, is_looked_at=False)
    broken = tuple(BrokenRow(row["organization_id"], row["run_id"], row["detail"]) for row in rows)
    return InvariantCheck(called, claim, broken)
