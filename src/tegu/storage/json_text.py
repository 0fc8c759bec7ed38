"""JSON columns as every driver sees them: text on its way in and out, cast by the server.

Used by `tables`. Why not the drivers' own JSON: a connection of the caller's that we join may have codecs of its own for
json and jsonb, and the drivers' differ; text is text to all. Invariant: what is read is what was written, in its order
where the column is json.
"""

import json
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Dialect, Text, cast, type_coerce
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.types import UserDefinedType


class JsonText(UserDefinedType[Any]):
    """A `jsonb` column, or a `json` one (`is_binary=False`), which keeps the order of keys. None is NULL."""

    cache_ok = True

    def __init__(self, is_binary: bool = True) -> None:
        # Not keyword-only: SQLAlchemy copies types by their positional arguments.
        self.is_binary = is_binary

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in SQL."""
        return "JSONB" if self.is_binary else "JSON"

    def bind_expression(self, bindvalue: BindParameter[Any]) -> ColumnElement[Any]:
        """Text, cast to JSON by the server."""
        return cast(cast(bindvalue, Text), JSONB if self.is_binary else JSON)

    def column_expression(self, colexpr: ColumnElement[Any]) -> ColumnElement[Any]:
        """JSON, cast to text by the server."""
        return type_coerce(cast(colexpr, Text), self)  # a text on the wire, our type to whoever reads it

    def bind_processor(self, dialect: Dialect) -> Any:
        """A value to text."""
        del dialect
        return _dumped

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Text to a value."""
        del dialect, coltype
        return _loaded


def _dumped(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def _loaded(value: str | None) -> Any:
    return None if value is None else json.loads(value)
