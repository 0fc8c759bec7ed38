"""Kinds of columns, and the schema that every table is in."""

from sqlalchemy import Column, MetaData, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP

from tegu.storage.json_text import JsonText

metadata = MetaData(schema="tegu")
Time = TIMESTAMP(timezone=True)
Json = JsonText(is_binary=False)
Jsonb = JsonText()


def key(name: str) -> Column[object]:
    """A column of the primary key that is an id."""
    return Column(name, Uuid, primary_key=True)
