"""Uploads that come in parts, until each is a content.

Called by the interfaces. Invariants: what was acknowledged is on disk; of a finished upload only the content is left, and the
action `contents.create` made it; an organization's unfinished uploads are few and bounded.
"""

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from tegu.actions.contents import check_external_id
from tegu.actions.declared.contents import FileContent, create_content
from tegu.actions.policy import enforce
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.errors import (
    ConflictError,
    IntakeError,
    NotFoundError,
    QuotaError,
    StorageUnavailableError,
    UsageError,
)
from tegu.domain.upload import Upload
from tegu.intake.sniff import SIZE_LIMIT_BYTES
from tegu.storage import uploads as store

PART_BYTES = 2**20
"""What is stored at a time."""
LIVES_S = 24 * 3600.0
UPLOADS_MAX = 50
BYTES_MAX = 2**30
PARTS_MAX = 4000
"""Of one upload, whatever their size: a row each."""


async def create_upload(scope: Scope, length_bytes: int, said: FileContent) -> Upload:
    """Announce a file of that length. Raises IntakeError, ForbiddenError, QuotaError."""
    enforce(scope.actor, "uploads.create", Permission.CONTENTS_WRITE)
    if length_bytes > SIZE_LIMIT_BYTES:
        raise IntakeError(
            f"an upload of {length_bytes} bytes is larger than {SIZE_LIMIT_BYTES // 2**20} MiB",
            hint="split it, or leave out what nobody reads",
            code="too_large",
        )
    if said.external_id is not None:
        check_external_id(said.external_id)
    if length_bytes < 1:
        raise IntakeError("an upload of no bytes", hint="send a file that has some", code="empty")
    async with scope.transaction() as connection:
        held = await store.held(connection, scope.organization_id)
        if held.uploads >= UPLOADS_MAX or held.size_bytes + length_bytes > BYTES_MAX:
            raise QuotaError(
                f"{held.uploads} uploads of together {held.size_bytes} bytes are unfinished already",
                hint="finish them, or end those that nobody goes on with",
                retry_after_s=max(1.0, held.first_expires_in_s),
            )
        return await store.create(
            connection,
            scope.organization_id,
            length_bytes=length_bytes,
            lives_s=LIVES_S,
            name=said.name,
            source_type=said.source_type,
            external_id=said.external_id,
            metadata=said.metadata,
        )


async def get_upload(scope: Scope, upload_id: UUID) -> Upload:
    """How far it is. One that is complete but was not finished, because its process died, is finished now."""
    enforce(scope.actor, "uploads.get", Permission.CONTENTS_WRITE)
    found = await _found(scope, upload_id)
    return await _finished(scope, found) if _is_complete(found) else found


async def add_parts(scope: Scope, upload_id: UUID, start: int, parts: Iterable[bytes]) -> Upload:
    """Store what follows the offset: all of these parts or none; the last one of a file makes it a content.

    Raises ConflictError where the offset is another, IntakeError where what came cannot be read: then nothing is left of it.
    """
    enforce(scope.actor, "uploads.add", Permission.CONTENTS_WRITE)
    at, part = start, b""
    try:
        async with scope.transaction() as connection:
            if await store.count_parts(connection, scope.organization_id, upload_id) >= PARTS_MAX:
                raise UsageError(
                    f"the upload has come in {PARTS_MAX} parts already",
                    hint="make a new one, and send larger parts",
                )
            for part in parts:
                await store.add_part(connection, scope.organization_id, upload_id, start=at, data=part)
                at += len(part)
    except store.NotTaken:  # looked at here, where its connection is given back
        raise await _refused(scope, upload_id, at, len(part)) from None
    found = await _found(scope, upload_id)
    if found.offset_bytes < at or (at == start and found.offset_bytes != start):
        raise await _refused(scope, upload_id, start, 0)
    return await _finished(scope, found) if _is_complete(found) else found


async def remove_upload(scope: Scope, upload_id: UUID) -> None:
    """End it, with all that came of it; a content that it became stays. Raises NotFoundError."""
    enforce(scope.actor, "uploads.remove", Permission.CONTENTS_WRITE)
    async with scope.transaction() as connection:
        if not await store.remove(connection, scope.organization_id, upload_id):
            raise _missing(upload_id)


def _is_complete(found: Upload) -> bool:
    return found.content_id is None and found.offset_bytes == found.length_bytes


async def _finished(scope: Scope, found: Upload) -> Upload:
    """Make the content, which is found where it was made already, and note it."""
    with tempfile.TemporaryDirectory(prefix="tegu-upload-") as folder:
        path = Path(folder) / "content"
        await _assemble(scope, found, path)
        said = FileContent(
            path=path,
            name=found.name,
            source_type=found.source_type,
            external_id=found.external_id,
            metadata=found.metadata,
        )
        try:
            done = await create_content(scope, said)
        except (IntakeError, ConflictError):  # it will never be one
            await remove_upload(scope, found.id)
            raise
    async with scope.transaction() as connection:
        await store.finish(connection, scope.organization_id, found.id, done.content.id)
    return await _found(scope, found.id)


async def _assemble(scope: Scope, found: Upload, path: Path) -> None:
    """The file, part by part."""
    at = 0
    with path.open("wb") as file:
        while at < found.length_bytes:
            async with scope.transaction() as connection:
                part = await store.part_from(connection, scope.organization_id, found.id, at)
            if part is None:  # another process finished or ended it meanwhile
                raise StorageUnavailableError(
                    f"upload {found.id} is being finished elsewhere", hint="ask again in a moment"
                )
            await asyncio.to_thread(file.write, part)
            at += len(part)


async def _found(scope: Scope, upload_id: UUID) -> Upload:
    async with scope.transaction() as connection:
        found = await store.find(connection, scope.organization_id, upload_id)
    if found is None:
        raise _missing(upload_id)
    return found


async def _refused(scope: Scope, upload_id: UUID, start: int, size: int) -> Exception:
    """Why a part is not taken."""
    found = await _found(scope, upload_id)
    if start == found.offset_bytes and start + size > found.length_bytes:
        return IntakeError(
            f"more than the {found.length_bytes} bytes that were announced",
            hint="make a new upload of the right length",
            code="too_large",
        )
    return ConflictError(
        f"the upload is at {found.offset_bytes}, and not at {start}",
        hint="ask for its offset, and go on there",
    )


def _missing(upload_id: UUID) -> NotFoundError:
    return NotFoundError(f"there is no upload {upload_id}", hint="it ended or expired; make a new one")
