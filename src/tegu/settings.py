"""Settings, from the environment unless given.

Read once by `app`; nothing else looks at the environment, except for provider keys (`llm.credentials`).

    DATABASE_URL                an own PostgreSQL (15 or newer); without it the embedded one, under TEGU_HOME
    TEGU_APP_DATABASE_URL       how the role tegu_app connects, where that differs
    TEGU_ENGINE_DATABASE_URL    how the role tegu_engine connects, where that differs
    TEGU_HOME                   where the embedded database lives; ~/.tegu
    TEGU_MODEL                  the model of stages that name none, as provider:model, an alias, or several with commas
    TEGU_MODEL_FAST, _SMART     what the aliases `fast` and `smart` stand for; any other TEGU_MODEL_NAME makes an alias `name`
    TEGU_KEEP_EVENTS_DAYS       how long the events of ended runs are kept; 30. `forever` keeps them
    TEGU_KEEP_REPLIES_DAYS      the same for the bodies of model calls (requests and replies); forever
    TEGU_KEEP_RUNS_DAYS         the same for ended runs, with their results; forever
    TEGU_EGRESS_ALLOW           hosts and networks that webhooks may be sent to although they are not public: `hooks.internal, 10.1.0.0/16`
    TEGU_FAMILY_RUNS_MAX        how many runs may stem from one, by maps, nested pipelines and loops together; 200000
    TEGU_CRASHPOINT             kill the process at a moment that `tegu crashpoints` lists: for tests of faults
    TEGU_LIMITS                 what providers may be asked: `openai:gpt-5-mini rpm=500 tpm=200000 concurrency=50; anthropic rpm=50`
    TEGU_LOG_FORMAT             of what the command line logs: text (for people) or json (an object a line)
    TEGU_LOG_LEVEL              from which level on: debug, info, warning, error; warning, with json info
    TEGU_TRACE_CONTENT          1: spans hold what models were asked and said; 0
    TEGU_REGIONS                where providers answer by your contracts, where their hosts do not say: `openai=eu, mistral=eu`
    TEGU_SECRET_KEYS            what stored secrets are sealed with: `k2:BASE64,k1:BASE64`; the first seals, all of them open
    TEGU_SECRET_KEYS_FILE       the same in a file, one a line; without either and with the embedded database TEGU_HOME/secret-keys
    TEGU_BASE_URL               where people reach the service; links in mails begin with it; http://localhost:8000
    TEGU_SMTP_URL               what sends mails: smtps://user:password@host, smtp://host:587; without it /auth/mailbox shows them
    TEGU_MAIL_FROM              whom mails are from; Tegu <no-reply@HOST of TEGU_BASE_URL>
    TEGU_OWNER                  the e-mail of the first member of an organization that has none; owner@localhost
    TEGU_OPERATORS              e-mails, with commas, of those who may also do what concerns the whole installation
    TEGU_OIDC_ISSUER            an OpenID Connect provider that people may sign in by, too (the extra [oidc])
    TEGU_OIDC_CLIENT_ID         how Tegu is known there
    TEGU_OIDC_CLIENT_SECRET     and by what it shows that it is that one
    TEGU_HOSTS                  further host names that it answers to, with commas; `*` is any
    TEGU_TRUSTED_PROXIES        addresses whose X-Forwarded-For and -Proto are believed, with commas; 127.0.0.1
    TEGU_REQUESTS_PER_S         requests a second of one actor, and five times as many at once; 100. An address has four times that
    TEGU_EMBED_ORIGINS          origins of host applications whose pages may show runs and reviews: `https://app.example.com`; none
    TEGU_ORGANIZATION           the organization that the command line acts for, by external id; default
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from tegu.domain.errors import ConfigurationError
from tegu.domain.retention import Retention

_ALIAS_PREFIX = "TEGU_MODEL_"
FAMILY_RUNS_MAX = 200_000
"""A pipeline for each item of the longest list that a stage maps over, and as many runs again."""
FOREVER = "forever"
DEFAULT_BASE_URL = "http://localhost:8000"
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """An identity provider."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignInSettings:
    """How people come in. `base_url` is None where nobody said; `url` is what holds then."""

    base_url: str | None = None
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str | None = None
    owner: str = "owner@localhost"
    operators: frozenset[str] = frozenset()
    oidc: OidcSettings | None = None

    @property
    def url(self) -> str:
        """Where people reach the service, without a slash at its end."""
        return self.base_url or DEFAULT_BASE_URL

    @property
    def sender(self) -> str:
        """Whom mails are from."""
        return self.mail_from or f"Tegu <no-reply@{urlsplit(self.url).hostname}>"

    @property
    def is_local(self) -> bool:
        """Whether that is this machine, over plain HTTP: for trying it out."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and parts.hostname in LOCAL_HOSTS


@dataclass(frozen=True, slots=True)
class Settings:
    """See the module."""

    home: Path
    database_url: str | None = None
    app_database_url: str | None = None
    engine_database_url: str | None = None
    model: str | None = None
    organization: str = "default"
    models: Mapping[str, str] = field(default_factory=dict[str, str])
    """Model aliases: name -> models as written."""
    limits: str | None = None
    """As TEGU_LIMITS."""
    keep: Retention = field(default_factory=Retention)
    is_log_json: bool = False
    log_level: str | None = None
    is_content_traced: bool = False
    crashpoint: str | None = None
    hosts: tuple[str, ...] = ()
    trusted_proxies: str = "127.0.0.1"
    requests_per_s: float = 100.0
    regions: str | None = None
    """As TEGU_REGIONS."""
    secret_keys: str | None = field(default=None, repr=False)
    secret_keys_file: Path | None = None
    egress_allow: str | None = None
    """As TEGU_EGRESS_ALLOW."""
    family_runs_max: int = FAMILY_RUNS_MAX
    sign_in: SignInSettings = field(default_factory=SignInSettings)
    embed_origins: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the environment; an empty variable counts as unset."""
        env = os.environ if environment is None else environment
        return cls(
            home=Path(env.get("TEGU_HOME") or Path.home() / ".tegu"),
            database_url=env.get("DATABASE_URL") or None,
            app_database_url=env.get("TEGU_APP_DATABASE_URL") or None,
            engine_database_url=env.get("TEGU_ENGINE_DATABASE_URL") or None,
            model=env.get("TEGU_MODEL") or None,
            organization=env.get("TEGU_ORGANIZATION") or "default",
            limits=env.get("TEGU_LIMITS") or None,
            keep=_retention(env),
            is_log_json=_one_of(env, "TEGU_LOG_FORMAT", ("text", "json")) == "json",
            log_level=_one_of(env, "TEGU_LOG_LEVEL", ("debug", "info", "warning", "error")),
            is_content_traced=_one_of(env, "TEGU_TRACE_CONTENT", ("0", "1", "false", "true"))
            in {"1", "true"},
            crashpoint=env.get("TEGU_CRASHPOINT") or None,
            hosts=tuple(filter(None, (each.strip() for each in env.get("TEGU_HOSTS", "").split(",")))),
            trusted_proxies=env.get("TEGU_TRUSTED_PROXIES") or "127.0.0.1",
            requests_per_s=_requests_per_s(env),
            regions=env.get("TEGU_REGIONS") or None,
            secret_keys=env.get("TEGU_SECRET_KEYS", "").strip() or None,
            secret_keys_file=Path(path) if (path := env.get("TEGU_SECRET_KEYS_FILE")) else None,
            egress_allow=env.get("TEGU_EGRESS_ALLOW") or None,
            family_runs_max=_family_runs_max(env),
            sign_in=_sign_in(env),
            embed_origins=_embed_origins(env.get("TEGU_EMBED_ORIGINS", "")),
            models={
                name.removeprefix(_ALIAS_PREFIX).lower(): value.strip()
                for name, value in env.items()
                if name.startswith(_ALIAS_PREFIX) and value.strip()
            },
        )


def _sign_in(env: Mapping[str, str]) -> SignInSettings:
    operators = (each.strip().lower() for each in env.get("TEGU_OPERATORS", "").split(","))
    return SignInSettings(
        base_url=_base_url(env.get("TEGU_BASE_URL", "").strip()),
        smtp_url=env.get("TEGU_SMTP_URL", "").strip() or None,
        mail_from=env.get("TEGU_MAIL_FROM", "").strip() or None,
        owner=env.get("TEGU_OWNER", "").strip() or SignInSettings().owner,
        operators=frozenset(each for each in operators if each),
        oidc=_oidc(env),
    )


def _base_url(written: str) -> str | None:
    if not written:
        return None
    parts = urlsplit(written)
    is_local = parts.scheme == "http" and parts.hostname in LOCAL_HOSTS
    if not parts.hostname or parts.query or parts.fragment or not (parts.scheme == "https" or is_local):
        raise ConfigurationError(
            f"TEGU_BASE_URL is {written!r}",
            hint="https://tegu.example.com, or for this machine alone http://localhost:8000: a cookie is sent over nothing else",
        )
    return written.rstrip("/")


def _embed_origins(written: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for each in filter(None, (piece.strip().rstrip("/").lower() for piece in written.split(","))):
        parts = urlsplit(each)
        is_local = parts.scheme == "http" and parts.hostname in LOCAL_HOSTS
        if not (parts.scheme == "https" or is_local) or not _ORIGIN.fullmatch(each):
            raise ConfigurationError(
                f"TEGU_EMBED_ORIGINS has {each!r}",
                hint="scheme, host and port of each: https://app.example.com, http://localhost:3000; no patterns",
            )
        found[each] = None
    return tuple(found)


def _oidc(env: Mapping[str, str]) -> OidcSettings | None:
    names = ("TEGU_OIDC_ISSUER", "TEGU_OIDC_CLIENT_ID", "TEGU_OIDC_CLIENT_SECRET")
    given = [env.get(name, "").strip() for name in names]
    if not any(given):
        return None
    if not all(given):
        missing = ", ".join(name for name, value in zip(names, given, strict=True) if not value)
        raise ConfigurationError(f"{missing} is not set", hint=f"{', '.join(names)} belong together")
    return OidcSettings(given[0].rstrip("/"), given[1], given[2])


def _one_of(env: Mapping[str, str], name: str, known: tuple[str, ...]) -> str | None:
    written = env.get(name, "").strip().lower()
    if written and written not in known:
        raise ConfigurationError(f"{name} is {env[name]!r}", hint=f"one of {', '.join(known)}")
    return written or None


def _requests_per_s(env: Mapping[str, str]) -> float:
    written = env.get("TEGU_REQUESTS_PER_S", "").strip() or "100"
    if not re.fullmatch(r"\d{1,6}(\.\d+)?", written) or float(written) <= 0:
        raise ConfigurationError(
            f"TEGU_REQUESTS_PER_S is {written!r}, which is no number above 0", hint="write 100"
        )
    return float(written)


def _family_runs_max(env: Mapping[str, str]) -> int:
    written = env.get("TEGU_FAMILY_RUNS_MAX", "").strip() or str(FAMILY_RUNS_MAX)
    if not re.fullmatch(r"[1-9]\d{0,8}", written):
        raise ConfigurationError(
            f"TEGU_FAMILY_RUNS_MAX is {written!r}, which is no number above 0",
            hint=f"write {FAMILY_RUNS_MAX}",
        )
    return int(written)


def _retention(env: Mapping[str, str]) -> Retention:
    kept = Retention()
    return Retention(
        events_days=_days(env, "TEGU_KEEP_EVENTS_DAYS", kept.events_days),
        replies_days=_days(env, "TEGU_KEEP_REPLIES_DAYS", kept.replies_days),
        runs_days=_days(env, "TEGU_KEEP_RUNS_DAYS", kept.runs_days),
    )


def _days(env: Mapping[str, str], name: str, default: float | None) -> float | None:
    written = env.get(name, "").strip()
    if not written:
        return default
    if written == FOREVER:
        return None
    try:
        return float(written)
    except ValueError:
        raise ConfigurationError(
            f"{name} is {written!r}, which is no number of days", hint=f"write 30, 0.5 or `{FOREVER}`"
        ) from None
