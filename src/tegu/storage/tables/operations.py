"""What governs runs: budgets, limits of providers and of organizations, pauses, schedules."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, Numeric, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from tegu.storage.tables.columns import Jsonb, Time, key, metadata

budgets = Table(
    "budgets",
    metadata,
    key("organization_id"),
    key("id"),
    Column("pipeline_id", Uuid),
    Column("period", Text, nullable=False),
    Column("limit_usd", Numeric(20, 10), nullable=False),
    Column("allows_unpriced", Boolean, nullable=False),
    Column("created_at", Time, nullable=False),
)

budget_windows = Table(
    "budget_windows",
    metadata,
    key("organization_id"),
    key("budget_id"),
    Column("since", Time, primary_key=True),
    Column("spent_usd", Numeric(20, 10), nullable=False),
    Column("reserved_usd", Numeric(20, 10), nullable=False),
)

llm_limits = Table(
    "llm_limits",
    metadata,
    key("organization_id"),
    Column("key", Text, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("model", Text, primary_key=True),
    Column("state", Jsonb, nullable=False),
    Column("visited_at", Time, nullable=False),
)

llm_limit_shares = Table(
    "llm_limit_shares",
    metadata,
    key("organization_id"),
    Column("key", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    key("process_id"),
    Column("slots", Integer, nullable=False),
    Column("in_flight", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("requests", Double, nullable=False),
    Column("served_s", Double, nullable=False),
    Column("held_until", Time, nullable=False),
)

pauses = Table(
    "pauses",
    metadata,
    key("organization_id"),
    key("pipeline_id"),
    Column("reason", Text),
    Column("paused_at", Time, nullable=False),
)

organization_limits = Table(
    "organization_limits",
    metadata,
    key("organization_id"),
    Column("runs_max", Integer, nullable=False),
    Column("claims", BigInteger, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    key("organization_id"),
    key("id"),
    Column("name", Text, nullable=False),
    Column("spec", Jsonb, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("next_at", Time),
    Column("paused_at", Time),
    Column("last_at", Time),
    Column("last_run_ids", ARRAY(Uuid), nullable=False),
    Column("last_error", Text),
)
