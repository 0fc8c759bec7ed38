"""How the bodies of model calls are kept, for the ledger: as they are, until their run ends, or unreadable until then.

Made by the runtime, asked by `ledger` for each call. Invariant: whatever is chosen, a reply is there for the journal until its
run has ended, so that it is not paid for again.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from pydantic_core import from_json

from tegu.domain.json import JsonObject, storable_json
from tegu.domain.privacy import StoreLlm
from tegu.sealing import Keyring, SecretPlace

_SEALED = "sealed"


@dataclass(frozen=True, slots=True)
class Bodies:
    """See the module. `keyring` is asked only where something is sealed."""

    chosen: Callable[[UUID], Awaitable[StoreLlm]]
    keyring: Callable[[], Keyring]

    def request(self, kept: StoreLlm, body: str) -> str | None:
        """The rendered request as it is stored; None: only its hash is."""
        return None if kept is StoreLlm.HASH else body

    def reply(self, kept: StoreLlm, reply: JsonObject, place: SecretPlace) -> str:
        """A reply as it is stored. Raises ConfigurationError where there is no key to seal it with."""
        if kept is not StoreLlm.HASH:
            return storable_json(reply)
        return storable_json({_SEALED: self.keyring().seal(storable_json(reply), place)})

    def opened(self, stored: str, place: SecretPlace) -> JsonObject:
        """A stored reply, however it was stored. Raises ConfigurationError for one whose key is gone."""
        value: JsonObject = from_json(stored)
        sealed = value.get(_SEALED)
        return from_json(self.keyring().unseal(sealed, place)) if isinstance(sealed, str) else value

    def said(self, kept: StoreLlm, text: str) -> str:
        """A message that may quote a prompt or a reply."""
        return "not kept" if kept is StoreLlm.HASH else text


async def _full(organization_id: UUID) -> StoreLlm:
    del organization_id
    return StoreLlm.FULL


READABLE = Bodies(_full, lambda: Keyring(()))
"""Everything is kept as it is."""
