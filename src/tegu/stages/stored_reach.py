"""What stages reach beyond their inputs where there is a database.

Made by the runtime for the performer of its workers. Invariant: what leaves to an address that a user gave goes through the guard,
and a credential goes to the host that it was stored for, and to no other.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from tegu.domain.errors import StageError
from tegu.egress.guard import Guard
from tegu.egress.request import Answer, EgressLimits, EgressRequest
from tegu.pipeline.task import StageTask
from tegu.sealing import Keyring
from tegu.stages.reach import Reach
from tegu.storage.children import ChildStore
from tegu.storage.database import Database
from tegu.storage.earlier import EarlierStore
from tegu.storage.http_credentials import CredentialStore, credential_home, credential_place
from tegu.storage.messages import MessageStore
from tegu.storage.review_store import ReviewStore
from tegu.storage.signals import SignalStore
from tegu.storage.stage_times import StageClock

if TYPE_CHECKING:
    from tegu.egress.client import EgressClient

REDIRECTS_MAX = 5


async def stored_reach(
    database: Database, guard: Guard, keyring: Callable[[], Keyring], family_max: int
) -> Reach:
    """A reach through the engine's door. At most `family_max` runs stem from one."""
    pool = await database.engine()
    return Reach(
        signals=SignalStore(pool),
        children=ChildStore(pool, family_max=family_max),
        earlier=EarlierStore(pool),
        reviews=ReviewStore(pool),
        times=StageClock(pool),
        messages=MessageStore(pool),
        http=GuardedHttp(CredentialStore(pool), guard, keyring),
    )


class GuardedHttp:
    """Implements `reach.Http`."""

    def __init__(self, credentials: CredentialStore, guard: Guard, keyring: Callable[[], Keyring]) -> None:
        self._credentials = credentials
        self._guard = guard
        self._keyring = keyring
        self._client: EgressClient | None = None

    async def request(
        self, task: StageTask, asked: EgressRequest, limits: EgressLimits, *, credential: str | None
    ) -> Answer:
        """See `reach.Http`."""
        if credential is not None:
            asked = replace(asked, private={**asked.private, **await self._header(task, asked, credential)})
        if self._client is None:
            from tegu.egress.client import EgressClient  # not at the top: its libraries take time to load

            self._client = EgressClient(self._guard)
        return await self._client.request(asked, limits=limits, redirects_max=REDIRECTS_MAX)

    async def _header(self, task: StageTask, asked: EgressRequest, name: str) -> dict[str, str]:
        found = await self._credentials.find(task.organization_id, name)
        if found is None:
            raise StageError(
                f"there is no credential {name!r}",
                code="no_credential",
                hint="store it: `tegu http-credentials create`",
            )
        checked = self._guard.check_url(asked.url)
        host = credential_home(checked.scheme, checked.netloc.decode())
        if host != found.host:
            raise StageError(
                f"credential {name!r} is for {found.host!r}, and {host!r} is asked",
                code="wrong_host",
                hint="store another credential for that host",
            )
        place = credential_place(task.organization_id, found.name, found.host, found.header)
        return {found.header: self._keyring().unseal(found.sealed, place)}
