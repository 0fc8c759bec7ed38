"""Organizations and what they gave to be read: contents, mail threads, blobs and texts."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text, Uuid

from tegu.storage.tables.columns import Jsonb, Time, key, metadata

organizations = Table(
    "organizations",
    metadata,
    key("id"),
    Column("name", Text, nullable=False),
    Column("external_id", Text),
    Column("model", Text),
    Column("created_at", Time, nullable=False),
    Column("deleted_at", Time),
    Column("erased_at", Time),
    Column("cursor_key", LargeBinary, nullable=False),
)

blobs = Table(
    "blobs",
    metadata,
    key("organization_id"),
    Column("sha256", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("created_at", Time, nullable=False),
)

mail_threads = Table(
    "mail_threads",
    metadata,
    key("organization_id"),
    key("id"),
    Column("subject", Text, nullable=False),
    Column("merged_into", Uuid),
    Column("created_at", Time, nullable=False),
)

mail_references = Table(
    "mail_references",
    metadata,
    key("organization_id"),
    Column("message_id", Text, primary_key=True),
    Column("thread_id", Uuid, nullable=False),
)

contents = Table(
    "contents",
    metadata,
    key("organization_id"),
    key("id"),
    Column("source_type", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("name", Text),
    Column("metadata", Jsonb, nullable=False),
    Column("external_id", Text),
    Column("parent_id", Uuid),
    Column("position", Integer),
    Column("thread_id", Uuid),
    Column("message_id", Text),
    Column("mail_key", Text),
    Column("sent_at", Time),
    Column("created_at", Time, nullable=False),
    Column("deleted_at", Time),
    Column("erased_at", Time),
)

texts = Table(
    "texts",
    metadata,
    key("organization_id"),
    Column("sha256", Text, primary_key=True),
    Column("media_type", Text, primary_key=True),
    Column("parser_version", Text, primary_key=True),
    Column("document", Jsonb),
    Column("error", Jsonb),
    Column("created_at", Time, nullable=False),
)
