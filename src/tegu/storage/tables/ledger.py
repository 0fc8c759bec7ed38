"""Calls of models: what was asked, what came, what it cost."""

from sqlalchemy import Boolean, Column, Integer, Numeric, Table, Text, Uuid

from tegu.storage.tables.columns import Json, Jsonb, Time, key, metadata

llm_requests = Table(
    "llm_requests",
    metadata,
    key("organization_id"),
    Column("request_hash", Text, primary_key=True),
    Column("body", Json, nullable=False),
    Column("created_at", Time, nullable=False),
)

llm_calls = Table(
    "llm_calls",
    metadata,
    key("organization_id"),
    key("id"),
    Column("run_id", Uuid),
    Column("stage", Text),
    Column("item", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("answered_by", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("request_hash", Text, nullable=False),
    Column("reply", Jsonb),
    Column("input_tokens", Integer),
    Column("cached_tokens", Integer),
    Column("output_tokens", Integer),
    Column("reasoning_tokens", Integer),
    Column("usage", Jsonb),
    Column("cost_usd", Numeric(20, 10)),
    Column("reserved_usd", Numeric(20, 10)),
    Column("price_version", Text),
    Column("latency_ms", Integer),
    Column("finish_reason", Text),
    Column("error", Jsonb),
    Column("metadata", Jsonb, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("ended_at", Time),
    Column("pipeline_id", Uuid),
    Column("is_passing", Boolean, nullable=False),
)

llm_journal = Table(
    "llm_journal",
    metadata,
    key("organization_id"),
    key("run_id"),
    Column("stage", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("generation", Integer, primary_key=True),
    Column("request_hash", Text, primary_key=True),
    Column("nth", Integer, primary_key=True),
    Column("call_id", Uuid, nullable=False),
    Column("accepted", Boolean),
    Column("problems", Jsonb),
)
