"""Backfills, and what each is over."""

from sqlalchemy import Boolean, Column, Integer, Numeric, SmallInteger, Table, Text, Uuid

from tegu.storage.tables.columns import Jsonb, Time, key, metadata

backfills = Table(
    "backfills",
    metadata,
    key("organization_id"),
    key("id"),
    Column("pipeline_id", Uuid, nullable=False),
    Column("version_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("model", Text),
    Column("filter", Jsonb, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("targets", Integer, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("started", Integer, nullable=False),
    Column("budget_usd", Numeric(20, 10)),
    Column("priority", SmallInteger, nullable=False),
    Column("triggered_by", Text, nullable=False),
    Column("steps", Jsonb, nullable=False),
    Column("note", Text),
    Column("created_at", Time, nullable=False),
    Column("ended_at", Time),
)

backfill_targets = Table(
    "backfill_targets",
    metadata,
    key("organization_id"),
    key("backfill_id"),
    Column("position", Integer, primary_key=True),
    Column("base_run_id", Uuid, nullable=False),
    Column("run_id", Uuid),
    Column("is_gone", Boolean, nullable=False),
)
