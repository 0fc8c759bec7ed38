"""What an organization uses, and how much of it it may."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnClause,
    Date,
    Integer,
    Numeric,
    Table,
    Text,
    Uuid,
    column,
    table,
)

from tegu.storage.tables.columns import Time, key, metadata

quotas = Table(
    "quotas",
    metadata,
    key("organization_id"),
    Column("runs_per_day", Integer),
    Column("stored_bytes_max", BigInteger),
    Column("spend_usd_per_month", Numeric(20, 10)),
    Column("runs_day", Date, nullable=False),
    Column("runs_count", Integer, nullable=False),
    Column("stored_bytes", BigInteger, nullable=False),
    Column("updated_at", Time, nullable=False),
)

spend_months = Table(
    "spend_months",
    metadata,
    key("organization_id"),
    Column("since", Time, primary_key=True),
    Column("spent_usd", Numeric(20, 10), nullable=False),
)

usage_records = Table(
    "usage_records",
    metadata,
    key("organization_id"),
    Column("day", Date, primary_key=True),
    Column("pipeline", Text, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("runs", BigInteger, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Column("cost_usd", Numeric(20, 10), nullable=False),
    Column("unknown_costs", BigInteger, nullable=False),
    Column("content_bytes", BigInteger, nullable=False),
    Column("recorded_at", Time, nullable=False),
)

tally_marks = Table(
    "tally_marks",
    metadata,
    key("organization_id"),
    Column("upto", Time, nullable=False),
    Column("live_from", Uuid, nullable=False),
    Column("seen_at", Time, nullable=False),
    Column("seen_xact", BigInteger, nullable=False),
)

usage_tallies = Table(
    "usage_tallies",
    metadata,
    key("organization_id"),
    Column("day", Date, primary_key=True),
    key("pipeline_id"),
    Column("provider", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("runs", BigInteger, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Column("cost_usd", Numeric(20, 10), nullable=False),
    Column("unknown_costs", BigInteger, nullable=False),
    Column("contents", BigInteger, nullable=False),
    Column("content_bytes", BigInteger, nullable=False),
)

run_costs = Table(
    "run_costs",
    metadata,
    key("organization_id"),
    key("run_id"),
    Column("cost_e10", BigInteger, nullable=False),
)

late_calls = Table(
    "late_calls",
    metadata,
    key("organization_id"),
    key("call_id"),
    Column("created_at", Time, nullable=False),
)

# A view, which the migrations own as they do the tables.
_VIEWED = (
    "organization_id", "external_id", "day", "pipeline", "provider", "model", "runs", "calls", "input_tokens",
    "cached_tokens", "output_tokens", "reasoning_tokens", "cost_usd", "unknown_costs", "contents", "content_bytes",
)  # fmt: skip
_columns: list[ColumnClause[Any]] = [column(name) for name in _VIEWED]
usage = table("usage", *_columns, schema="tegu")
