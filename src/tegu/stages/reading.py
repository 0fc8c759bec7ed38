"""Bytes read once: what the sandbox made of a content, as it is kept in memory and as it is stored.

Called by `source`. Invariant: a reading that was just made equals the one that is loaded from the store later, to the
character, because both are built from the same JSON; otherwise a run that is taken over would ask its models anew.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from pydantic import TypeAdapter

from tegu.domain.content import Document, MailMessage
from tegu.domain.errors import IntakeError
from tegu.domain.json import JsonObject, storable
from tegu.intake import sandbox
from tegu.intake.mail import ParsedMail, mail_document
from tegu.intake.thread import mail_message
from tegu.storage.sources import StoredText

MAIL = "message/rfc822"


@dataclass(frozen=True, slots=True)
class Reading:
    """The text of some bytes. `mail` is set where they are an e-mail. Knows no content id and no file name."""

    document: Document
    mail: MailMessage | None = None

    @property
    def characters(self) -> int:
        """What it weighs in memory."""
        mail = len(self.mail.text) + len(self.mail.reply) if self.mail else 0
        return len(self.document.text) + mail

    def to_json(self) -> JsonObject:
        """As stored."""
        return _readings().dump_python(self, mode="json")

    @classmethod
    def from_json(cls, value: JsonObject) -> "Reading":
        """The inverse of `to_json`. Raises ValueError."""
        return _readings().validate_python(value)


@cache
def _readings() -> TypeAdapter[Reading]:
    return TypeAdapter(Reading)


async def read_content(data: bytes, media_type: str, limits: sandbox.Limits) -> Reading:
    """Read one content in a child process. Raises IntakeError."""
    if media_type == MAIL:
        return await mail_reading(await sandbox.open_mail(data, limits=limits))
    return settled(Reading(await sandbox.read_document(data, media_type, limits=limits)))


async def read_mails(messages: Sequence[bytes], limits: sandbox.Limits) -> tuple[Reading | IntakeError, ...]:
    """Read many e-mails in few child processes; one that breaks its reader costs only itself."""
    opened = await sandbox.open_mails(messages, limits=limits)
    return tuple([item if isinstance(item, IntakeError) else await mail_reading(item) for item in opened])


async def mail_reading(mail: ParsedMail) -> Reading:
    """What reading an e-mail gives, of one that was opened already (by ingest)."""
    # Megabytes of lines take a while: not on the event loop.
    document = await asyncio.to_thread(mail_document, mail)
    return settled(Reading(document, mail_message(mail)))


def remembered(stored: StoredText) -> Reading | None:
    """A reading as it was stored; None where it was written by another version of Tegu: the bytes are still there.

    Raises the IntakeError that reading it ended in.
    """
    if stored.error is not None:
        raise IntakeError(stored.error.message, code=stored.error.code, hint=stored.error.hint)
    try:
        return Reading.from_json(stored.document) if stored.document is not None else None
    except ValueError:
        return None


def settled(reading: Reading) -> Reading:
    """The reading as it will come back from the store: without what PostgreSQL cannot hold."""
    stored = storable(reading.to_json())
    assert isinstance(stored, dict)
    return Reading.from_json(stored)


class ReadingCache:
    """The readings used last, up to a number of characters, so that the stages of one run share one reading."""

    def __init__(self, characters_max: int) -> None:
        self._characters_max = characters_max
        self._characters = 0
        self._readings: OrderedDict[tuple[object, ...], Reading] = OrderedDict()

    def __len__(self) -> int:
        return len(self._readings)

    def get(self, key: tuple[object, ...]) -> Reading | None:
        """The reading, which is now the one used last."""
        found = self._readings.get(key)
        if found is not None:
            self._readings.move_to_end(key)
        return found

    def put(self, key: tuple[object, ...], reading: Reading) -> None:
        """Keep it, unless it alone is more than may be kept."""
        if key in self._readings or reading.characters > self._characters_max:
            return
        self._readings[key] = reading
        self._characters += reading.characters
        while self._characters > self._characters_max:
            _, dropped = self._readings.popitem(last=False)
            self._characters -= dropped.characters
