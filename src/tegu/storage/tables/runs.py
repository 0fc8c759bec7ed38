"""Pipelines, their runs and what came of them, and who follows them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Integer,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Uuid,
    column,
    table,
)
from sqlalchemy.dialects.postgresql import ARRAY

from tegu.storage.tables.columns import Json, Jsonb, Time, key, metadata

pipelines = Table(
    "pipelines",
    metadata,
    key("organization_id"),
    key("id"),
    Column("name", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("archived_at", Time),
    Column("current_number", Integer),
)

pipeline_versions = Table(
    "pipeline_versions",
    metadata,
    key("organization_id"),
    key("id"),
    Column("pipeline_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("document", Json, nullable=False),
    Column("functions", ARRAY(Text), nullable=False),
    Column("created_at", Time, nullable=False),
    Column("is_draft", Boolean, nullable=False),
    Column("edit_of", Integer),
    Column("source_text", Text),
    Column("published_at", Time),
    Column("published_by", Text),
)

runs = Table(
    "runs",
    metadata,
    key("organization_id"),
    key("id"),
    Column("pipeline_id", Uuid, nullable=False),
    Column("version_id", Uuid, nullable=False),
    Column("content_id", Uuid),
    Column("thread_id", Uuid),
    Column("status", Text, nullable=False),
    Column("owner", Uuid),
    Column("epoch", Integer, nullable=False),
    Column("rev", Integer, nullable=False),
    Column("inbox", Integer, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("due_at", Time),
    Column("cancel_requested_at", Time),
    Column("functions", ARRAY(Text), nullable=False),
    Column("model", Text),
    Column("budget_usd", Numeric(20, 10)),
    Column("priority", SmallInteger, nullable=False),
    Column("triggered_by", Text, nullable=False),
    Column("metadata", Jsonb, nullable=False),
    Column("error", Jsonb),
    Column("created_at", Time, nullable=False),
    Column("started_at", Time),
    Column("ended_at", Time),
    Column("erased_at", Time),
    Column("deadline_at", Time),
    Column("root_id", Uuid),
    Column("parent_id", Uuid),
    Column("parent_stage", Text),
    Column("parent_item", Text),
    Column("parent_try", Integer),
    Column("depth", SmallInteger, nullable=False),
    Column("input", Jsonb),
    Column("slice_stage", Text),
    Column("slice_from", Integer),
    Column("slice_of", Integer),
    Column("budget_id", Uuid),
    Column("has_children", Boolean, nullable=False),
    Column("heard", Integer, nullable=False),
    Column("forked_from", Uuid),
    Column("fork_stage", Text),
    Column("edits", Jsonb),
    Column("reuse_from", Uuid),
    Column("backfill_id", Uuid),
    Column("pinned_at", Time),
)

run_wakes = Table(
    "run_wakes",
    metadata,
    key("organization_id"),
    key("run_id"),
    key("child_id"),
)

family_sizes = Table(
    "family_sizes",
    metadata,
    key("organization_id"),
    key("root_id"),
    Column("runs", Integer, nullable=False),
)

child_cancels = Table(
    "child_cancels",
    metadata,
    key("organization_id"),
    key("id"),
    Column("run_id", Uuid, nullable=False),
    Column("stage", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("upto_try", Integer, nullable=False),
    Column("created_at", Time, nullable=False),
)

stage_runs = Table(
    "stage_runs",
    metadata,
    key("organization_id"),
    key("run_id"),
    Column("stage", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("due_at", Time),
    Column("model", Text),
    Column("fingerprint", Text),
    Column("output", Jsonb),
    Column("error", Jsonb),
    Column("started_at", Time),
    Column("ended_at", Time),
    Column("reused_from", Uuid),
    Column("deadline_at", Time),
    Column("arrived", ARRAY(Text)),
)

stage_attempts = Table(
    "stage_attempts",
    metadata,
    key("organization_id"),
    key("run_id"),
    Column("stage", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("worker_id", Uuid, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("error", Jsonb),
    Column("elapsed_ms", Integer),
    Column("ended_at", Time, nullable=False),
)

results = Table(
    "results",
    metadata,
    key("organization_id"),
    key("run_id"),
    Column("stage", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("data", Jsonb, nullable=False),
    Column("confidence", Double),
    Column("confidence_method", Text),
    Column("evidence", Jsonb, nullable=False),
    Column("llm_call_id", Uuid),
    Column("created_at", Time, nullable=False),
)

run_events = Table(
    "run_events",
    metadata,
    key("organization_id"),
    key("run_id"),
    Column("seq", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("stage", Text),
    Column("item", Text, nullable=False),
    Column("data", Jsonb),
    Column("at", Time, nullable=False),
    Column("xact", BigInteger),
)

stage_partials = Table(
    "stage_partials",
    metadata,
    key("organization_id"),
    key("run_id"),
    Column("stage", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("call", Integer, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("partial", Jsonb),
    Column("text_length", Integer, nullable=False),
    Column("is_truncated", Boolean, nullable=False),
    Column("updated_at", Time, nullable=False),
)

run_signals = Table(
    "run_signals",
    metadata,
    key("organization_id"),
    key("run_id"),
    key("id"),
    Column("name", Text, nullable=False),
    Column("data", Jsonb),
    Column("key", Text),
    Column("stages", ARRAY(Text)),
    Column("created_at", Time, nullable=False),
)

run_watches = Table(
    "run_watches",
    metadata,
    key("organization_id"),
    key("run_id"),
    Column("until", Time, nullable=False),
)

hook_deliveries = Table(
    "hook_deliveries",
    metadata,
    key("organization_id"),
    key("run_id"),
    Column("hook", Text, primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("token", Uuid),
    Column("due_at", Time, nullable=False),
    Column("error", Jsonb),
    Column("created_at", Time, nullable=False),
    Column("failed_at", Time),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    key("organization_id"),
    Column("key", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("created_at", Time, nullable=False),
)

# All that the app's role may see of a worker; named statements reach the rest.
workers = table(
    "workers",
    column("functions", ARRAY(Text)),
    column("lease_until", Time),
    column("drives_all", Boolean),
    schema="tegu",
)
