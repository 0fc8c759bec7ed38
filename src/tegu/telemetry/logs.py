"""Log lines: one line each, as JSON or text, with what they are about, and without secrets.

The library only logs (loggers under `tegu`), and the host decides where to. The command line calls `set_up`; a host that
wants the same puts a `JsonFormatter` on its own handler. Invariants: a record is one line, whatever it quotes; no control
character and no half surrogate pair gets through; a known secret never does; a record that cannot be written as it is is
still written.
"""

import json
import logging
import re
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from math import isfinite
from typing import Any, TextIO

BLOT = "***"
FIELDS = ("organization_id", "run_id", "stage", "attempt", "worker_id")
"""What a line is about, in the order in which it is shown."""
LENGTH_MAX = 8_000
"""Characters of one text in a record: a message may quote what somebody wrote."""
_SECRET_LENGTH_MIN = 8
_EXTRA_MAX = 20

_present: ContextVar[Mapping[str, object]] = ContextVar("tegu_log_fields", default={})  # noqa: B039 (never changed)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_BREAKING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_TELLTALE = re.compile(
    r"(://[^\s:/@]*:)[^\s@/]+(?=@)"  # the password of a URL; no scheme, which would be looked for from every letter
    r"|((?i:\bauthorization\W{1,4}(?:bearer|basic)\s+))[^\s'\"]+"
    r"|((?i:\bbearer\s+))[A-Za-z0-9._~+/=-]{20,}"
    r"|(\b(?:sk-|gsk_|xai-|AIza))[A-Za-z0-9_-]{16,}"
)


def begin_fields(about: Mapping[str, object]) -> Token[Mapping[str, object]]:
    """Every line that is logged from now on, also in tasks begun from now on, is about these."""
    return _present.set({**_present.get(), **about})


def end_fields(token: Token[Mapping[str, object]]) -> None:
    """Not any more."""
    _present.reset(token)


@contextmanager
def fields(about: Mapping[str, object]) -> Generator[None]:
    """Every line that is logged within this is about these."""
    token = begin_fields(about)
    try:
        yield
    finally:
        end_fields(token)


class Redaction:
    """Blots out known secrets, and what looks like one. `secrets` shorter than 8 characters are no secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({each for each in secrets if len(each) >= _SECRET_LENGTH_MIN}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """The text without them."""
        if self._known is not None:
            text = self._known.sub(BLOT, text)
        return _TELLTALE.sub(_without, text)


def set_up(
    *, is_json: bool, level: int | str, secrets: Iterable[str] = (), stream: TextIO | None = None
) -> logging.Handler:
    """Send lines to `stream` (stderr): what Tegu says from `level` on, and errors of everybody else. For programs that are
    Tegu's own; replaces what an earlier call set up, and nothing of anybody else's.
    """
    handler = _OwnHandler(stream)
    handler.setFormatter((JsonFormatter if is_json else TextFormatter)(Redaction(secrets)))
    root, own = logging.getLogger(), logging.getLogger("tegu")
    for old in [each for each in root.handlers if isinstance(each, _OwnHandler)]:
        root.removeHandler(old)
    if not root.handlers:
        root.addHandler(handler)
        root.setLevel(logging.ERROR)
    own.setLevel(level)
    return handler


class _OwnHandler(logging.StreamHandler[Any]):
    """Ours, so that it is known when it is to be replaced."""


class _Formatter(logging.Formatter):
    def __init__(self, redact: Redaction | None = None) -> None:
        super().__init__()
        self._redact = redact or Redaction()

    def _told(self, record: logging.LogRecord) -> dict[str, object]:
        """What the record is about, and whatever else it was given."""
        extra = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        about = {**_present.get(), **extra}
        ordered = {key: about.pop(key) for key in FIELDS if key in about}
        rest = dict(list(about.items())[:_EXTRA_MAX])
        told = {**ordered, **rest}
        return {self._clean(key): self._plain(value) for key, value in told.items() if value is not None}

    def _plain(self, value: object) -> object:
        is_number = isinstance(value, bool | int) or (isinstance(value, float) and isfinite(value))
        return value if is_number else self._clean(_text(value))

    def _clean(self, text: str) -> str:
        text = self._redact(text[: 2 * LENGTH_MAX])  # beyond what is kept nothing needs to be looked at
        return text if len(text) <= LENGTH_MAX else text[: LENGTH_MAX - 1] + "…"

    def _message(self, record: logging.LogRecord) -> str:
        try:
            return self._clean(record.getMessage())
        except Exception as error:  # noqa: BLE001 (a wrong format string must not lose the line)
            return self._clean(f"{record.msg!r} ({type(error).__name__} while it was put together)")

    def _trace(self, record: logging.LogRecord) -> str | None:
        if record.exc_info and record.exc_info[0] is not None:
            return self._clean(self.formatException(record.exc_info))
        return None


class JsonFormatter(_Formatter):
    """One JSON object a line: `at`, `level`, `logger`, `message`, what it is about, and `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, in ASCII: what would break a line or a terminal is escaped, so nothing is lost."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._message(record),
        }
        for key, value in self._told(record).items():
            line.setdefault(key, value)
        line["pid"] = record.process
        if (trace := self._trace(record)) is not None:
            line["exception"] = trace
        return json.dumps(line, allow_nan=False).replace("\x7f", "\\u007f")


class TextFormatter(_Formatter):
    """A line for people; a traceback follows, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with what would break it or steer a terminal replaced."""
        about = " ".join(f"{key}={value}" for key, value in self._told(record).items())
        at = datetime.fromtimestamp(record.created).astimezone()
        line = f"{at:%H:%M:%S} {record.name} {record.levelname} {self._message(record)}"
        shown = _one_line(f"{line} [{about}]" if about else line)
        trace = self._trace(record)
        return shown if trace is None else "\n    ".join([shown, *map(_one_line, trace.splitlines())])


def _one_line(text: str) -> str:
    return _BREAKING.sub("\N{REPLACEMENT CHARACTER}", text.replace("\n", " ⏎ ").replace("\t", " "))


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 (a value that cannot be shown must not lose the line)
        return f"<{type(value).__name__}: {type(error).__name__} while it was shown>"


def _without(found: re.Match[str]) -> str:
    return next(kept for kept in found.groups() if kept is not None) + BLOT
