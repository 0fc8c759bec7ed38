"""The tables as SQLAlchemy sees them, for composed reads and writes.

The migrations own the schema; a test compares these columns with the migrated database.
"""

from tegu.storage.tables.backfills import backfill_targets, backfills
from tegu.storage.tables.columns import metadata
from tegu.storage.tables.contents import (
    blobs,
    contents,
    mail_references,
    mail_threads,
    organizations,
    texts,
)
from tegu.storage.tables.identity import (
    api_keys,
    audit_events,
    embed_tokens,
    invitations,
    sessions,
    sign_in_links,
    sign_in_tries,
    users,
)
from tegu.storage.tables.ledger import llm_calls, llm_journal, llm_requests
from tegu.storage.tables.operations import (
    budget_windows,
    budgets,
    llm_limit_shares,
    llm_limits,
    organization_limits,
    pauses,
    schedules,
)
from tegu.storage.tables.people import http_credentials, reviews
from tegu.storage.tables.privacy import (
    erasures,
    mailbox_messages,
    organization_settings,
    provider_keys,
)
from tegu.storage.tables.runs import (
    child_cancels,
    family_sizes,
    hook_deliveries,
    idempotency_keys,
    pipeline_versions,
    pipelines,
    results,
    run_events,
    run_signals,
    run_wakes,
    run_watches,
    runs,
    stage_attempts,
    stage_partials,
    stage_runs,
    workers,
)
from tegu.storage.tables.uploads import upload_parts, uploads
from tegu.storage.tables.usage import quotas, spend_months, usage, usage_records
from tegu.storage.tables.webhooks import webhook_deliveries, webhooks

__all__ = [
    "api_keys",
    "audit_events",
    "backfill_targets",
    "backfills",
    "blobs",
    "budget_windows",
    "budgets",
    "child_cancels",
    "contents",
    "embed_tokens",
    "erasures",
    "family_sizes",
    "hook_deliveries",
    "http_credentials",
    "idempotency_keys",
    "invitations",
    "llm_calls",
    "llm_journal",
    "llm_limit_shares",
    "llm_limits",
    "llm_requests",
    "mail_references",
    "mail_threads",
    "mailbox_messages",
    "metadata",
    "organization_limits",
    "organization_settings",
    "organizations",
    "pauses",
    "pipeline_versions",
    "pipelines",
    "provider_keys",
    "quotas",
    "results",
    "reviews",
    "run_events",
    "run_signals",
    "run_wakes",
    "run_watches",
    "runs",
    "schedules",
    "sessions",
    "sign_in_links",
    "sign_in_tries",
    "spend_months",
    "stage_attempts",
    "stage_partials",
    "stage_runs",
    "texts",
    "upload_parts",
    "uploads",
    "usage",
    "usage_records",
    "users",
    "webhook_deliveries",
    "webhooks",
    "workers",
]
