"""Versions as they were written: see the top of the SQL file beside this one."""

from functools import partial
from pathlib import Path

import asyncpg
from alembic import op

revision = "0058"
down_revision = "0057"


def upgrade() -> None:
    """Run the SQL file as it stands."""
    script = Path(__file__).with_suffix(".sql").read_text("utf-8")
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None
    connection.run_async(partial(_execute, script))


async def _execute(script: str, driver: "asyncpg.Connection[asyncpg.Record]") -> None:
    await driver.execute(script)
