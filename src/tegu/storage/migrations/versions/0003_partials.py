"""Partial outputs and who follows runs: see the SQL file beside this one."""

from functools import partial
from pathlib import Path

import asyncpg
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the SQL file as it stands."""
    script = Path(__file__).with_suffix(".sql").read_text("utf-8")
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None
    # The driver itself takes a script of many statements; SQLAlchemy would prepare it as one.
    connection.run_async(partial(_execute, script))


async def _execute(script: str, driver: "asyncpg.Connection[asyncpg.Record]") -> None:
    await driver.execute(script)
