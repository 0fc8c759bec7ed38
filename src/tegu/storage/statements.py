"""The engine's statements by name: one .sql file each, whose first line says what it does.

Called by the rooms of storage that run them; a test prepares every one against the migrated database.
"""

from functools import cache
from importlib.resources import files


@cache
def statement(name: str) -> str:
    """The text of sql/NAME.sql."""
    return (files("tegu.storage") / "sql" / f"{name}.sql").read_text("utf-8")


def statement_names() -> tuple[str, ...]:
    """Every named statement, sorted."""
    found = (entry.name for entry in (files("tegu.storage") / "sql").iterdir())
    return tuple(sorted(name.removesuffix(".sql") for name in found if name.endswith(".sql")))
