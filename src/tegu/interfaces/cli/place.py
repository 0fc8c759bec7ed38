"""Where a command does its work: in this process, or by asking the service at an address.

Read by `session` and by the commands of signing in. The first that is there counts: `--local`, `--url URL`, TEGU_URL, the address
of the last `tegu login`; else this process. Invariant: keys are in a file that only its owner reads, each beside its address,
and go to no other.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import click

from tegu.domain.errors import ConfigurationError, UsageError
from tegu.settings import Settings

KEY_VARIABLE = "TEGU_API_KEY"
URL_VARIABLE = "TEGU_URL"
FILE = "logins.json"


@dataclass(frozen=True, slots=True)
class Place:
    """The service to ask, and the key that it takes. `is_said`: this command or the environment names it."""

    url: str
    key: str | None
    is_said: bool


@dataclass(frozen=True, slots=True)
class Logins:
    """The addresses that were signed in at, with their keys, and the present one."""

    url: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict[str, str])


def place_of_command() -> Place | None:
    """Where this command works. None: in this process. Raises UsageError for an address that is none."""
    context = click.get_current_context(silent=True)
    said: Mapping[str, Any] = context.find_root().params if context else {}
    if said.get("local"):
        return None
    written = said.get("url") or os.environ.get(URL_VARIABLE)
    logins = read_logins(Settings.from_environment().home)
    url = checked_url(written) if written else logins.url
    if url is None:
        return None
    return Place(url, os.environ.get(KEY_VARIABLE) or logins.keys.get(url), is_said=bool(written))


def checked_url(text: str) -> str:
    """`https://tegu.example`, as it is kept: without a slash at its end. Raises UsageError."""
    url = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
        parts = urlsplit("")
    if not is_url or parts.username or parts.query or parts.fragment:
        raise UsageError(f"{text!r} is no address of a service", hint="as https://tegu.example")
    return url.rstrip("/")


def read_logins(home: Path) -> Logins:
    """What is known; nothing where there is no file. Raises ConfigurationError for one that cannot be read."""
    path = home / FILE
    try:
        found: object = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Logins()
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", hint="`tegu login` writes it anew"
        ) from error
    if not isinstance(found, dict):
        return Logins()
    parts = cast("dict[str, Any]", found)
    return Logins(parts.get("url"), parts.get("keys") or {})


def write_logins(home: Path, logins: Logins) -> None:
    """Keep it, readable by its owner alone."""
    home.mkdir(parents=True, exist_ok=True)
    path, written = home / FILE, home / f"{FILE}.new"
    with suppress(FileNotFoundError):
        written.unlink()
    with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"url": logins.url, "keys": dict(logins.keys)}, file, indent=2)
    written.replace(path)
