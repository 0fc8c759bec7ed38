"""What runs ask people, and credentials that stages send."""

from sqlalchemy import Column, Double, Integer, Table, Text, Uuid

from tegu.storage.tables.columns import Jsonb, Time, key, metadata

reviews = Table(
    "reviews",
    metadata,
    key("organization_id"),
    key("id"),
    Column("run_id", Uuid, nullable=False),
    Column("stage", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("retry", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("instructions", Text, nullable=False),
    Column("assignee", Text),
    Column("about", Text),
    Column("value", Jsonb),
    Column("schema", Jsonb, nullable=False),
    Column("corrected", Jsonb),
    Column("comment", Text),
    Column("decided_by", Text),
    Column("due_at", Time),
    Column("created_at", Time, nullable=False),
    Column("decided_at", Time),
    Column("confidence", Double),
)

http_credentials = Table(
    "http_credentials",
    metadata,
    key("organization_id"),
    key("id"),
    Column("name", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("header", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("created_at", Time, nullable=False),
)
