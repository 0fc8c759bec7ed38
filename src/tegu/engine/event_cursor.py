"""How far somebody has read the events of an organization, as they are told it and bring it again.

Called by `actions.live`. Invariants: it opens for its organization alone; nobody can read from it how many transactions there
are, which are those of everybody; what does not open, or is too old, is of one who has read nobody knows what.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from time import time
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from tegu.storage.event_news import Snapshot

UNKNOWN = Snapshot(2**63 - 1, frozenset())
"""Of one who has read nobody knows what: it is after every other, and whoever brings it is told to resync."""
UNDER_WAY_MAX = 64
"""Transactions that a cursor names. With more it stands before the others: they are told again, and none is lost."""
AGE_MAX_S = 86_400.0
LENGTH_MAX = 1000
_BYTES = 8


class EventCursors:
    """The cursors of one organization."""

    def __init__(
        self,
        organization_id: UUID,
        key: bytes,
        *,
        age_max_s: float = AGE_MAX_S,
        clock: Callable[[], float] = time,
    ) -> None:
        self._about = [organization_id.bytes]
        self._cipher = AESSIV(key)
        self._age_max_s = age_max_s
        self._clock = clock

    def write(self, snapshot: Snapshot) -> str:
        """The cursor of one who has read what is visible in it."""
        under_way = sorted(snapshot.under_way)
        xmax = snapshot.xmax if len(under_way) <= UNDER_WAY_MAX else under_way[UNDER_WAY_MAX]
        numbers = (int(self._clock()), xmax, *under_way[:UNDER_WAY_MAX])
        plain = b"".join(number.to_bytes(_BYTES, "big") for number in numbers)
        return urlsafe_b64encode(self._cipher.encrypt(plain, self._about)).rstrip(b"=").decode()

    def read(self, cursor: str) -> Snapshot:
        """What its bearer has read."""
        try:
            sealed = urlsafe_b64decode(cursor[:LENGTH_MAX].encode("ascii") + b"=" * (-len(cursor) % 4))
            plain = self._cipher.decrypt(sealed, self._about)
        except (ValueError, InvalidTag):
            return UNKNOWN
        at, xmax, *under_way = (
            int.from_bytes(plain[place : place + _BYTES], "big") for place in range(0, len(plain), _BYTES)
        )
        if self._clock() - at > self._age_max_s:
            return UNKNOWN
        return Snapshot(xmax, frozenset(under_way))
