"""Joining a transaction of the caller's: what Tegu stores there exists if, and only if, the caller commits.

Called by the handles for `start(..., connection=)` and `ingest(..., connection=)`. Invariants: our statements run under
tegu_app, bound to one organization, and one start at a time; afterwards the transaction has the role and the setting
that it came with, whatever happened in between; sleepers are woken by the commit itself (NOTIFY is delivered then, and not before).
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from tegu.domain.errors import ConfigurationError, UsageError
from tegu.storage.borrowed import Loan, borrow
from tegu.storage.database import APP_ROLE
from tegu.storage.transaction import Transaction
from tegu.storage.turns import turn

_ENTER = text("""select session_user as login, current_database() as database,
    clock_timestamp() as read_at, current_setting('transaction_isolation') as isolation,
    current_setting('role') as role, current_setting('tegu.organization_id', true) as organization_id,
    exists (select 1 from pg_catalog.pg_namespace where nspname = 'tegu') as has_schema,
    coalesce((select pg_has_role(session_user, oid, 'member') from pg_catalog.pg_roles where rolname = :role), false)
        as may_act""")
_ACT = text("""select set_config('tegu.organization_id', :organization_id, true)""")
_CHECK = text("""select current_setting('tegu.organization_id', true) = :organization_id as is_bound,
    set_config('role', :role, true) as role""")
_FIND = text(
    """select exists (
    select 1 from tegu.organizations where id = cast(:organization_id as uuid) and deleted_at is null) as is_there"""
)
_LEAVE = text("""select set_config('role', :role, true),
    set_config('tegu.organization_id', :organization_id, true)""")
_WAKE = text("select pg_notify('tegu_wake', '')")


@dataclass(slots=True)
class Joined:
    """A caller's transaction under our role. `wake` wakes the workers when the caller commits."""

    transaction: Transaction
    is_waking: bool = False

    def wake(self) -> None:
        """Something is due once this is committed."""
        self.is_waking = True


@asynccontextmanager
async def join(connection: object, organization_id: UUID) -> AsyncGenerator[Joined]:
    """Act in the caller's transaction, and leave it as it was. Raises UsageError, ConfigurationError, and what the
    caller's driver raises; after one of those the transaction is aborted, as after any failed statement.
    """
    loan = await borrow(connection)
    async with (
        turn(loan.bottom, is_synchronous=loan.is_synchronous),
        _joined(loan, organization_id) as joined,
    ):
        yield joined


@asynccontextmanager
async def _joined(loan: Loan, organization_id: UUID) -> AsyncGenerator[Joined]:
    transaction = loan.transaction
    before = await _enter(transaction)
    _check(before)
    bound = {"organization_id": str(organization_id)}
    await transaction.execute(_ACT, bound)
    acting = (await transaction.execute(_CHECK, bound | {"role": APP_ROLE})).mappings().one()
    if not acting["is_bound"]:
        raise UsageError(
            "the connection is in no transaction: each of its statements commits by itself, and nothing was stored",
            hint="begin one: `async with connection.begin():`, `connection.transaction()`, `transaction.atomic()`",
        )
    joined = Joined(transaction)
    try:
        _check_is_ours(before, is_there=(await transaction.execute(_FIND, bound)).scalar_one())
        yield joined
        if joined.is_waking:
            await transaction.execute(_WAKE)
    except BaseException:
        # Where a statement failed the caller can only roll back, and that undoes the role too.
        with suppress(Exception):
            await _leave(transaction, before)
        raise
    await _leave(transaction, before)


async def _enter(transaction: Transaction) -> Any:
    """What the transaction is, as the host has it. Raises UsageError where the host's driver cannot read what we need."""
    try:
        before = (await transaction.execute(_ENTER, {"role": APP_ROLE})).mappings().one()
    except NotImplementedError as error:  # psycopg reads times of no other style
        raise UsageError(
            f"times cannot be read on this connection: {error}", hint="set DateStyle to 'ISO'"
        ) from error
    if not isinstance(before["role"], str):  # psycopg without an encoding
        raise UsageError(
            "text cannot be read on this connection: its client_encoding is SQL_ASCII",
            hint="set client_encoding to 'UTF8'",
        )
    return before


async def _leave(transaction: Transaction, before: Any) -> None:
    await transaction.execute(
        _LEAVE, {"role": before["role"], "organization_id": before["organization_id"] or ""}
    )


def _check(before: Any) -> None:
    if not before["has_schema"]:
        raise UsageError(
            f"the connection is to database {before['database']!r}, which has no schema of Tegu's",
            hint="give it a connection to the database of DATABASE_URL, after `tegu migrate`",
        )
    if not before["may_act"]:
        raise ConfigurationError(
            f"the login {before['login']!r} may not act as {APP_ROLE}",
            hint=f"as the owner, once: grant {APP_ROLE} to {before['login']}",
        )


def _check_is_ours(before: Any, *, is_there: bool) -> None:
    if not is_there and before["isolation"] != "read committed":
        raise UsageError(
            f"the {before['isolation']} transaction does not see the organization: it is newer, or of another database",
            hint="know the organization before you begin (`await handle.scope()`), and give Tegu the same DATABASE_URL",
        )
    if not is_there:
        raise UsageError(
            f"the connection is to database {before['database']!r}, which does not hold this Tegu's organizations",
            hint="give Tegu the same database (DATABASE_URL), or start without `connection`",
        )
