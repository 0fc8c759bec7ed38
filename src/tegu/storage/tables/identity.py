"""Who may come in, and what they did."""

from sqlalchemy import Column, Table, Text, Uuid

from tegu.storage.tables.columns import Jsonb, Time, key, metadata

audit_events = Table(
    "audit_events",
    metadata,
    key("organization_id"),
    key("id"),
    Column("at", Time, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Uuid),
    Column("actor_label", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Jsonb, nullable=False),
)
