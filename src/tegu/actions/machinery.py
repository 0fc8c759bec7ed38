"""What of the process actions need beside their organization's transactions.

The runtime is it (`runtime.Runtime`), which stands above this room and hands itself in. Invariant: an action asks for what
stands here, and for nothing else of the runtime.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from tegu.actions.organization_rules import OrganizationRules
from tegu.domain.installation import Health
from tegu.egress.guard import Guard
from tegu.egress.mail import Outbox
from tegu.engine.broadcast import Broadcast
from tegu.llm.admission import Admission
from tegu.llm.model_names import ModelNames
from tegu.llm.protocol import CredentialSource, Ledger
from tegu.llm.providers.registry import Providers
from tegu.sealing import Keyring
from tegu.settings import Settings
from tegu.storage.claims import RunKey
from tegu.storage.database import Database, DatabaseAddress
from tegu.storage.ledger import CallPlace


class OwnWorker(Protocol):
    """This process's worker for the runs that its own callers want."""

    @property
    def has_lease(self) -> bool:
        """Whether it may take runs now."""
        ...

    async def drive(self, keys: Iterable[RunKey]) -> None:
        """Drive these runs too; it is started when it is first needed."""

    def leave(self, keys: Iterable[RunKey]) -> None:
        """Take them no more, unless somebody asks again."""

    def check(self) -> None:
        """Raises what broke it."""

    def released(self, run_ids: Sequence[UUID]) -> AbstractAsyncContextManager[asyncio.Event]:
        """A hint that it let go of one of these runs."""
        ...


class Machinery(Protocol):
    """See the module."""

    settings: Settings
    credentials: CredentialSource
    names: ModelNames
    rules: OrganizationRules
    outbox: Outbox
    guard: Guard
    """Which of the addresses that users give are asked."""
    providers: Providers

    @property
    def own(self) -> OwnWorker:
        """This process's worker for the runs that its own callers want."""
        ...

    @property
    def keyring(self) -> Keyring:
        """What stored secrets are sealed and opened with. Raises ConfigurationError."""
        ...

    @property
    def broadcast(self) -> Broadcast:
        """What tells everybody in this process who follows events."""
        ...

    @property
    def database(self) -> Database:
        """The open database: its engine's door is for what knows no organization yet, as a sign-in."""
        ...

    async def health(self, *, age_max_s: float = ...) -> Health:
        """How this process and the whole installation are."""
        ...

    async def address(self) -> DatabaseAddress:
        """Where the database is."""
        ...

    async def ledger(self, place: CallPlace) -> Ledger:
        """Journal and ledger of the calls that belong there."""
        ...

    def admissions(self, organization_id: UUID) -> Sequence[Admission]:
        """Whose leave a call without a run needs, in order."""
        ...

    async def default_model(self, organization_id: UUID) -> str | None:
        """The organization's own model, else the installation's."""
        ...

    def forget_model(self, organization_id: UUID) -> None:
        """The organization's own model, settings or keys were changed in this process."""
        ...
