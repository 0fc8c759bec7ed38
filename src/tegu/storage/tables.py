"""The tables as SQLAlchemy sees them, for composed reads and writes.

The migrations own the schema; a test compares these columns with the migrated database.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    column,
    table,
)
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from tegu.storage.json_text import JsonText

metadata = MetaData(schema="tegu")
_Time = TIMESTAMP(timezone=True)
_Json = JsonText(is_binary=False)
_Jsonb = JsonText()


def _key(name: str) -> Column[object]:
    return Column(name, Uuid, primary_key=True)


organizations = Table(
    "organizations",
    metadata,
    _key("id"),
    Column("name", Text, nullable=False),
    Column("external_id", Text),
    Column("model", Text),
    Column("created_at", _Time, nullable=False),
)

users = Table(
    "users",
    metadata,
    _key("organization_id"),
    _key("id"),
    Column("email", Text, nullable=False),
    Column("display_name", Text),
    Column("created_at", _Time, nullable=False),
)

blobs = Table(
    "blobs",
    metadata,
    _key("organization_id"),
    Column("sha256", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("created_at", _Time, nullable=False),
)

mail_threads = Table(
    "mail_threads",
    metadata,
    _key("organization_id"),
    _key("id"),
    Column("subject", Text, nullable=False),
    Column("merged_into", Uuid),
    Column("created_at", _Time, nullable=False),
)

mail_references = Table(
    "mail_references",
    metadata,
    _key("organization_id"),
    Column("message_id", Text, primary_key=True),
    Column("thread_id", Uuid, nullable=False),
)

contents = Table(
    "contents",
    metadata,
    _key("organization_id"),
    _key("id"),
    Column("source_type", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("name", Text),
    Column("metadata", _Jsonb, nullable=False),
    Column("external_id", Text),
    Column("parent_id", Uuid),
    Column("position", Integer),
    Column("thread_id", Uuid),
    Column("message_id", Text),
    Column("mail_key", Text),
    Column("sent_at", _Time),
    Column("created_at", _Time, nullable=False),
    Column("deleted_at", _Time),
)

texts = Table(
    "texts",
    metadata,
    _key("organization_id"),
    Column("sha256", Text, primary_key=True),
    Column("media_type", Text, primary_key=True),
    Column("parser_version", Text, primary_key=True),
    Column("document", _Jsonb),
    Column("error", _Jsonb),
    Column("created_at", _Time, nullable=False),
)

pipelines = Table(
    "pipelines",
    metadata,
    _key("organization_id"),
    _key("id"),
    Column("name", Text, nullable=False),
    Column("created_at", _Time, nullable=False),
    Column("archived_at", _Time),
)

pipeline_versions = Table(
    "pipeline_versions",
    metadata,
    _key("organization_id"),
    _key("id"),
    Column("pipeline_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("document", _Json, nullable=False),
    Column("functions", ARRAY(Text), nullable=False),
    Column("created_at", _Time, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    _key("organization_id"),
    _key("id"),
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
    Column("due_at", _Time),
    Column("cancel_requested_at", _Time),
    Column("functions", ARRAY(Text), nullable=False),
    Column("model", Text),
    Column("budget_usd", Numeric(20, 10)),
    Column("triggered_by", Text, nullable=False),
    Column("metadata", _Jsonb, nullable=False),
    Column("error", _Jsonb),
    Column("created_at", _Time, nullable=False),
    Column("started_at", _Time),
    Column("ended_at", _Time),
)

stage_runs = Table(
    "stage_runs",
    metadata,
    _key("organization_id"),
    _key("run_id"),
    Column("stage", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("due_at", _Time),
    Column("model", Text),
    Column("fingerprint", Text),
    Column("output", _Jsonb),
    Column("error", _Jsonb),
    Column("started_at", _Time),
    Column("ended_at", _Time),
)

stage_attempts = Table(
    "stage_attempts",
    metadata,
    _key("organization_id"),
    _key("run_id"),
    Column("stage", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("worker_id", Uuid, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("error", _Jsonb),
    Column("elapsed_ms", Integer),
    Column("ended_at", _Time, nullable=False),
)

results = Table(
    "results",
    metadata,
    _key("organization_id"),
    _key("run_id"),
    Column("stage", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("data", _Jsonb, nullable=False),
    Column("confidence", Double),
    Column("confidence_method", Text),
    Column("evidence", _Jsonb, nullable=False),
    Column("llm_call_id", Uuid),
    Column("created_at", _Time, nullable=False),
)

run_events = Table(
    "run_events",
    metadata,
    _key("organization_id"),
    _key("run_id"),
    Column("seq", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("stage", Text),
    Column("item", Text, nullable=False),
    Column("data", _Jsonb),
    Column("at", _Time, nullable=False),
)

llm_requests = Table(
    "llm_requests",
    metadata,
    _key("organization_id"),
    Column("request_hash", Text, primary_key=True),
    Column("body", _Json, nullable=False),
    Column("created_at", _Time, nullable=False),
)

llm_calls = Table(
    "llm_calls",
    metadata,
    _key("organization_id"),
    _key("id"),
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
    Column("reply", _Jsonb),
    Column("input_tokens", Integer),
    Column("cached_tokens", Integer),
    Column("output_tokens", Integer),
    Column("reasoning_tokens", Integer),
    Column("usage", _Jsonb),
    Column("cost_usd", Numeric(20, 10)),
    Column("reserved_usd", Numeric(20, 10)),
    Column("price_version", Text),
    Column("latency_ms", Integer),
    Column("finish_reason", Text),
    Column("error", _Jsonb),
    Column("metadata", _Jsonb, nullable=False),
    Column("created_at", _Time, nullable=False),
    Column("ended_at", _Time),
)

llm_journal = Table(
    "llm_journal",
    metadata,
    _key("organization_id"),
    _key("run_id"),
    Column("stage", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("generation", Integer, primary_key=True),
    Column("request_hash", Text, primary_key=True),
    Column("nth", Integer, primary_key=True),
    Column("call_id", Uuid, nullable=False),
    Column("accepted", Boolean),
    Column("problems", _Jsonb),
)

budgets = Table(
    "budgets",
    metadata,
    _key("organization_id"),
    _key("id"),
    Column("pipeline_id", Uuid),
    Column("period", Text, nullable=False),
    Column("limit_usd", Numeric(20, 10), nullable=False),
    Column("allows_unpriced", Boolean, nullable=False),
    Column("created_at", _Time, nullable=False),
)

budget_windows = Table(
    "budget_windows",
    metadata,
    _key("organization_id"),
    _key("budget_id"),
    Column("since", _Time, primary_key=True),
    Column("spent_usd", Numeric(20, 10), nullable=False),
    Column("reserved_usd", Numeric(20, 10), nullable=False),
)

llm_limits = Table(
    "llm_limits",
    metadata,
    _key("organization_id"),
    Column("key", Text, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("model", Text, primary_key=True),
    Column("state", _Jsonb, nullable=False),
    Column("visited_at", _Time, nullable=False),
)

llm_limit_shares = Table(
    "llm_limit_shares",
    metadata,
    _key("organization_id"),
    Column("key", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    _key("process_id"),
    Column("slots", Integer, nullable=False),
    Column("in_flight", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("requests", Double, nullable=False),
    Column("served_s", Double, nullable=False),
    Column("held_until", _Time, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    _key("organization_id"),
    Column("key", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("created_at", _Time, nullable=False),
)

stage_partials = Table(
    "stage_partials",
    metadata,
    _key("organization_id"),
    _key("run_id"),
    Column("stage", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("call", Integer, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("partial", _Jsonb),
    Column("text_length", Integer, nullable=False),
    Column("is_truncated", Boolean, nullable=False),
    Column("updated_at", _Time, nullable=False),
)

run_watches = Table(
    "run_watches",
    metadata,
    _key("organization_id"),
    _key("run_id"),
    Column("until", _Time, nullable=False),
)

hook_deliveries = Table(
    "hook_deliveries",
    metadata,
    _key("organization_id"),
    _key("run_id"),
    Column("hook", Text, primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("token", Uuid),
    Column("due_at", _Time, nullable=False),
    Column("error", _Jsonb),
    Column("created_at", _Time, nullable=False),
    Column("failed_at", _Time),
)

# All that the app's role may see of a worker; named statements reach the rest.
workers = table(
    "workers",
    column("functions", ARRAY(Text)),
    column("lease_until", _Time),
    column("drives_all", Boolean),
    schema="tegu",
)
