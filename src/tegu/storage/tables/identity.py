"""Who may come in, and what they did."""

from sqlalchemy import Column, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from tegu.storage.tables.columns import Jsonb, Time, key, metadata

users = Table(
    "users",
    metadata,
    key("organization_id"),
    key("id"),
    Column("email", Text),
    Column("display_name", Text),
    Column("created_at", Time, nullable=False),
    Column("kind", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("disabled_at", Time),
    Column("seen_at", Time),
)

sessions = Table(
    "sessions",
    metadata,
    key("organization_id"),
    key("id"),
    Column("user_id", Uuid, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("seen_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("seen_as", JSONB),
)

api_keys = Table(
    "api_keys",
    metadata,
    key("organization_id"),
    key("id"),
    Column("user_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("key_hash", LargeBinary, nullable=False),
    Column("role", Text, nullable=False),
    Column("scopes", ARRAY(Text)),
    Column("pipelines", ARRAY(Text)),
    Column("made_by_key", Uuid),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time),
    Column("used_at", Time),
    Column("revoked_at", Time),
)

invitations = Table(
    "invitations",
    metadata,
    key("organization_id"),
    key("id"),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("invited_by", Uuid),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("accepted_at", Time),
    Column("revoked_at", Time),
)

embed_tokens = Table(
    "embed_tokens",
    metadata,
    key("organization_id"),
    key("id"),
    Column("token_hash", LargeBinary, nullable=False),
    Column("label", Text, nullable=False),
    Column("run_id", Uuid),
    Column("review_id", Uuid),
    Column("may", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("made_by_kind", Text, nullable=False),
    Column("made_by", Uuid),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    key("organization_id"),
    key("id"),
    Column("user_id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("flow_hash", LargeBinary, nullable=False),
    Column("code_hash", LargeBinary, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("used_at", Time),
)

sign_in_tries = Table(
    "sign_in_tries",
    metadata,
    key("organization_id"),
    Column("bucket", Integer, primary_key=True),
    Column("since", Time, nullable=False),
    Column("count", Integer, nullable=False),
)

audit_events = Table(
    "audit_events",
    metadata,
    key("organization_id"),
    key("id"),
    Column("at", Time, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Uuid),
    Column("actor_label", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Jsonb, nullable=False),
)
