"""Deleting contents: asked for, begun at once, and carried on by every worker until nothing is left.

Called by the declared actions and, as a chore, by workers that drive everybody's runs. Invariant: what was asked for is stored
before it is begun, so that a process which dies leaves it to the others.
"""

import asyncio
import logging
from time import monotonic
from uuid import UUID

from tegu.actions.organization_erasure import erase_organizations
from tegu.actions.scope import Scope
from tegu.domain.content import Content
from tegu.domain.errors import ConflictError, NotFoundError, UsageError
from tegu.domain.privacy import Erasure
from tegu.intake.sniff import MAIL, MBOX
from tegu.storage import contents, erasures
from tegu.storage.database import Database
from tegu.storage.erasures import EraseKey, Eraser
from tegu.storage.passing import forget_bodies

log = logging.getLogger("tegu.engine")

SETTLE_S = 60.0
"""Longer than any statement may take: what was under way when a content was deleted has ended then."""
EVERY_S = 5.0
_AT_ONCE_S = 10.0
"""How long whoever asks waits for it; the rest is done by workers."""
_ADDRESS_LENGTH_MAX = 320


async def delete_content(scope: Scope, content_id: UUID) -> Erasure:
    """One content with all that came with it. Raises NotFoundError; ConflictError for a part of an e-mail."""
    async with scope.transaction() as connection:
        found = await contents.get_content(connection, scope.organization_id, content_id)
        if found is None:
            raise NotFoundError(f"there is no content {content_id}")
        if found.parent_id is not None and found.media_type != MAIL:
            await _check_parent(
                await contents.get_content(connection, scope.organization_id, found.parent_id), found
            )
        erasure_id = await erasures.insert_erasure(connection, scope.organization_id, content=found)
    return await _begun(scope, erasure_id)


async def delete_subject(scope: Scope, address: str) -> Erasure:
    """All e-mails from and to an address, with their attachments. Raises UsageError for what is no address."""
    address = address.strip().lower()
    if "@" not in address or len(address) > _ADDRESS_LENGTH_MAX or not address.isprintable():
        raise UsageError("that is no e-mail address", hint="write name@host")
    async with scope.transaction() as connection:
        erasure_id = await erasures.insert_erasure(connection, scope.organization_id, address=address)
    return await _begun(scope, erasure_id)


async def get_erasure(scope: Scope, erasure_id: UUID) -> Erasure:
    """How far it is. Raises NotFoundError."""
    async with scope.transaction() as connection:
        found = await erasures.get_erasure(connection, scope.organization_id, erasure_id)
    if found is None:
        raise NotFoundError(f"there is no deletion {erasure_id}")
    return found


async def erase_for_ever(database: Database, *, every_s: float = EVERY_S) -> None:
    """Carry on what was asked for, of all organizations. Never returns."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await erase_once(database)
            await erase_organizations(database)
        except Exception as error:  # noqa: BLE001 (the next look may do better)
            log.warning("not erased: %s", error or type(error).__name__)


async def erase_once(database: Database, *, settle_s: float = SETTLE_S) -> None:
    """As far as it can be done now; and what models were asked and said, where it was to be kept until the run ended."""
    pool = await database.engine()
    await forget_bodies(pool)
    for key in await erasures.under_way(pool):
        await _carry_on(database, key, settle_s=settle_s)


async def _begun(scope: Scope, erasure_id: UUID) -> Erasure:
    key = scope.organization_id, erasure_id
    await _carry_on(scope.machinery.database, key, settle_s=SETTLE_S, for_s=_AT_ONCE_S)
    return await get_erasure(scope, erasure_id)


async def _carry_on(
    database: Database, key: EraseKey, *, settle_s: float, for_s: float | None = None
) -> None:
    until = monotonic() + for_s if for_s is not None else None
    eraser = Eraser(await database.engine(), key, settle_s=settle_s)
    while await eraser.step():
        if until is not None and monotonic() > until:
            return


async def _check_parent(parent: Content | None, part: Content) -> None:
    """The bytes of an e-mail hold its attachments: one cannot go without the other."""
    if parent is not None and parent.media_type != MBOX:
        raise ConflictError(
            f"content {part.id} is a part of e-mail {parent.id}, whose bytes hold it",
            hint=f"delete the e-mail: content {parent.id}",
        )
