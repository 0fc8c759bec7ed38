"""Leave to make an attempt: whoever has a say before a call costs anything, and hears afterwards what became of it.

Called by the one loop (`llm.structured`) around each attempt; implemented by the limiter and by budgets. With no
admission every attempt is made at once. Invariants: leave is had before the ledger's row is written; each reservation is
settled once, however the attempt ends, cancelled ones too; who waits for leave holds none of those asked after it.

    reserve, of each in order, at once ---- one refuses ----.
      | all granted                                          the journal has the reply: nothing is needed
      |                                                      otherwise reserve again, and wait: NoCapacityError in the end
      ledger row, call (headers are heard as they arrive)
      settle, of each in reverse
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from tegu.domain.errors import ProviderError
from tegu.llm.protocol import Credential, ModelReply, ModelRequest

log = logging.getLogger("tegu.llm")

OnHeaders = Callable[[int, Mapping[str, str]], None]
"""Hears status and headers (names in lower case) of a provider's response, before its body is read. Must not block."""

headers_heard: ContextVar[OnHeaders | None] = ContextVar("headers_heard", default=None)
"""Who hears the headers of the attempt under way. Providers of the network tell it; others need not know it."""


@dataclass(frozen=True, slots=True)
class Intent:
    """An attempt that is to be made. `call_id` becomes the id of its row in the ledger; `is_retry` says that an earlier
    attempt of the same logical call brought no reply.
    """

    call_id: UUID
    request: ModelRequest
    credential: Credential
    is_retry: bool = False


class EndingKind(StrEnum):
    """What became of an attempt that had leave."""

    UNUSED = "unused"  # nothing was sent: the journal answered, or another admission refused
    REPLIED = "replied"  # `reply` has the usage, as far as it is known
    FAILED = "failed"  # no reply; what it cost is not known
    ABANDONED = "abandoned"  # cancelled, or broken off by a mistake of ours; it may still be billed


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended."""

    kind: EndingKind
    reply: ModelReply | None = None
    error: ProviderError | None = None


UNUSED = Ending(EndingKind.UNUSED)
ABANDONED = Ending(EndingKind.ABANDONED)


class Reservation(Protocol):
    """What is held for one attempt."""

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """The response has begun. Not called where nothing came back."""
        ...

    async def settle(self, ending: Ending) -> None:
        """Give back what was not used. Called once, also while the attempt is being cancelled: so it must not take long,
        and not fail; what needs the network is noted here and done in the background.
        """
        ...


class Admission(Protocol):
    """Grants leave, for the calls of one organization or of one stage run."""

    async def reserve(self, intent: Intent, *, wait_s: float) -> Reservation:
        """Raises NoCapacityError when there is none within `wait_s`; with 0 it does not wait for any."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """The reservations of one attempt."""

    reservations: tuple[Reservation, ...] = ()

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """Tell each. A listener that fails must not cost a reply that is paid for."""
        for each in self.reservations:
            try:
                each.heard(status, headers)
            except Exception:
                log.exception("an admission could not read the headers of a response")

    async def settle(self, ending: Ending) -> None:
        """Settle each, the last first."""
        for each in reversed(self.reservations):
            try:
                await each.settle(ending)
            except Exception:
                log.exception("an admission could not settle a call")


async def hold(admissions: Sequence[Admission], intent: Intent, *, wait_s: float) -> Held:
    """Leave of all of them, asked in order. Raises NoCapacityError, holding nothing."""
    got: list[Reservation] = []
    try:
        for admission in admissions:
            got.append(await admission.reserve(intent, wait_s=wait_s))  # noqa: PERF401 (what was got is given back)
    except BaseException:
        await Held(tuple(got)).settle(UNUSED)
        raise
    return Held(tuple(got))
