"""What organizations are told, and where."""

from sqlalchemy import Boolean, Column, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from tegu.storage.tables.columns import Jsonb, Time, key, metadata

webhooks = Table(
    "webhooks",
    metadata,
    key("organization_id"),
    key("id"),
    Column("url", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("events", ARRAY(Text), nullable=False),
    Column("pipelines", ARRAY(Text)),
    Column("sends_results", Boolean, nullable=False),
    Column("secret", Text, nullable=False),
    Column("old_secret", Text),
    Column("old_secret_until", Time),
    Column("failing_since", Time),
    Column("disabled_at", Time),
    Column("disabled_reason", Text),
    Column("created_at", Time, nullable=False),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    key("organization_id"),
    key("id"),
    Column("webhook_id", Uuid, nullable=False),
    Column("event", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("run_id", Uuid),
    Column("content_id", Uuid),
    Column("data", Jsonb),
    Column("body", Text),
    Column("status", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("token", Uuid),
    Column("due_at", Time, nullable=False),
    Column("status_code", Integer),
    Column("answer", Text),
    Column("error", Jsonb),
    Column("elapsed_ms", Integer),
    Column("created_at", Time, nullable=False),
    Column("attempted_at", Time),
    Column("ended_at", Time),
)
