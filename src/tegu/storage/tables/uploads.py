"""Uploads under way, and the parts of them that are there."""

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text, Uuid

from tegu.storage.tables.columns import Jsonb, Time, key, metadata

uploads = Table(
    "uploads",
    metadata,
    key("organization_id"),
    key("id"),
    Column("length_bytes", BigInteger, nullable=False),
    Column("offset_bytes", BigInteger, nullable=False),
    Column("name", Text),
    Column("source_type", Text),
    Column("external_id", Text),
    Column("metadata", Jsonb),
    Column("content_id", Uuid),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
)

upload_parts = Table(
    "upload_parts",
    metadata,
    key("organization_id"),
    key("upload_id"),
    Column("start_byte", BigInteger, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
