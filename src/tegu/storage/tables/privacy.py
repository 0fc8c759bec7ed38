"""What is deleted, where calls may go, how much of them is kept, and the keys of providers."""

from sqlalchemy import BigInteger, Column, Double, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from tegu.storage.tables.columns import Time, key, metadata

erasures = Table(
    "erasures",
    metadata,
    key("organization_id"),
    key("id"),
    Column("content_id", Uuid),
    Column("address", Text),
    Column("looked_upto", Uuid, nullable=False),
    Column("contents", Integer, nullable=False),
    Column("runs", Integer, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("erased_at", Time),
    Column("ended_at", Time),
)

mailbox_messages = Table(
    "mailbox_messages",
    metadata,
    key("organization_id"),
    key("message_id"),
    key("mailbox_id"),
)

organization_settings = Table(
    "organization_settings",
    metadata,
    key("organization_id"),
    Column("providers", ARRAY(Text)),
    Column("regions", ARRAY(Text)),
    Column("store_llm", Text, nullable=False),
    Column("keep_events_days", Double),
    Column("keep_replies_days", Double),
    Column("keep_runs_days", Double),
    Column("updated_at", Time, nullable=False),
)

provider_keys = Table(
    "provider_keys",
    metadata,
    key("organization_id"),
    key("id"),
    Column("provider", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("last4", Text, nullable=False),
    Column("region", Text),
    Column("created_at", Time, nullable=False),
    Column("rotated_at", Time),
)
