"""Mails to people: sent by SMTP where a server is configured, else kept in memory, for the page that shows them to whoever
tries the service out.

Made by the runtime, called by actions after what they do is committed. Invariant: whoever posts a mail waits for nothing, so
that nobody can tell by the time it takes whether there was one; what is kept, and what waits to be sent, is bounded.
"""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tegu.domain.errors import ConfigurationError

log = logging.getLogger("tegu.mail")

KEPT_MAX = 50
WAITING_MAX = 1000
_TRIES_AFTER_S = (0.0, 2.0, 15.0)
_TIMEOUT_S = 20.0
_CLOSE_S = 5.0
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail, as plain text."""

    to: str
    subject: str
    text: str = field(repr=False)
    at: datetime = field(default_factory=partial(datetime.now, UTC))


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """What TEGU_SMTP_URL says, as arguments of aiosmtplib."""

    arguments: dict[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, url: str) -> "SmtpServer":
        """smtps:// speaks TLS from the start; smtp:// demands STARTTLS, but of this machine, or where ?tls=off says so.
        Raises ConfigurationError, whose words hold nothing of the URL: it has a password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
            is_plain = parse_qs(parts.query).get("tls") == ["off"]
        except ValueError:
            parts, port, is_plain = urlsplit(""), None, False
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ConfigurationError(
                "TEGU_SMTP_URL is no address of a mail server",
                hint="smtps://user:password@smtp.example.com:465, smtp://smtp.example.com:587, or smtp://relay:25?tls=off",
            )
        is_tls = parts.scheme == "smtps"
        return cls(
            {
                "hostname": parts.hostname,
                "port": port or (465 if is_tls else 587),
                "username": unquote(parts.username) if parts.username else None,
                "password": unquote(parts.password) if parts.password else None,
                "use_tls": is_tls,
                "start_tls": False if is_tls or is_plain else None if parts.hostname in _LOCAL else True,
                "timeout": _TIMEOUT_S,
            }
        )


class Outbox:
    """See the module. `sender` is an address, perhaps with a name; without a server `kept` are the mails, the newest first."""

    def __init__(self, smtp_url: str | None, sender: str) -> None:
        self._server = SmtpServer.parse(smtp_url) if smtp_url else None
        if "@" not in parseaddr(sender)[1]:
            raise ConfigurationError(f"{sender!r} is no sender of mails", hint="Tegu <no-reply@example.com>")
        self._sender = sender
        self._kept: deque[Mail] = deque(maxlen=KEPT_MAX)
        self._waiting: asyncio.Queue[Mail] = asyncio.Queue(WAITING_MAX)
        self._sending: asyncio.Task[None] | None = None

    @property
    def kept(self) -> tuple[Mail, ...] | None:
        """What would have been sent, the newest first; None where a server sends it."""
        return None if self._server else tuple(reversed(self._kept))

    def post(self, mail: Mail) -> None:
        """Send it, soon; a failure is logged, since whoever asked may not know of it."""
        if self._server is None:
            self._kept.append(mail)
            log.warning(
                "a mail is not sent, since TEGU_SMTP_URL is not set: this process shows it at /auth/mailbox"
            )
            return
        try:
            self._waiting.put_nowait(mail)
        except asyncio.QueueFull:
            log.error("a mail is not sent: %s are waiting", WAITING_MAX)  # noqa: TRY400 (no fault whose place would help)
            return
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send_all())

    async def close(self) -> None:
        """Send what waits, within seconds."""
        if self._sending is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await self._waiting.join()
            self._sending.cancel()
            with suppress(asyncio.CancelledError):
                await self._sending

    async def _send_all(self) -> None:
        while True:
            mail = await self._waiting.get()
            try:
                await self._send(mail)
            finally:
                self._waiting.task_done()

    async def _send(self, mail: Mail) -> None:
        import aiosmtplib

        assert self._server is not None
        message = message_of(mail, self._sender)
        for pause_s in _TRIES_AFTER_S:
            await asyncio.sleep(pause_s)
            try:
                await aiosmtplib.send(message, **self._server.arguments)
            except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
                log.warning(
                    "a mail could not be sent: %s", f"{type(error).__name__}: {error}".splitlines()[0]
                )
            else:
                return
        log.error("a mail is given up after %s tries", len(_TRIES_AFTER_S))


def message_of(mail: Mail, sender: str) -> EmailMessage:
    """As it goes out. What people wrote cannot begin another header."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = " ".join("".join(c if c.isprintable() else " " for c in mail.subject).split())
    message["Date"] = format_datetime(mail.at)
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message
