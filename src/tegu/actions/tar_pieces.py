"""A tar archive, compressed by gzip, piece by piece as it is made.

Used by `organization_export`. Invariant: nothing is kept of what was written, as `tarfile` and `zipfile` do of each member.
"""

import asyncio
import tarfile
import zlib
from datetime import datetime

_LEVEL = 3
_GZIP = 31


class TarPieces:
    """The pieces come out in the order in which they are put in; of each member first its `head`, then as many bytes as said."""

    def __init__(self, at: datetime) -> None:
        """`at` is when all members were made."""
        self._made_at = int(at.timestamp())
        self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._missing = 0
        self._padding = 0

    async def head(self, name: str, size_bytes: int) -> bytes:
        """Begin a member."""
        assert self._missing == 0, "the member before has its bytes"
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = size_bytes, self._made_at, 0o600
        self._missing, self._padding = size_bytes, -size_bytes % tarfile.BLOCKSIZE
        return await self._compressed(
            member.tobuf(tarfile.PAX_FORMAT) + (b"" if size_bytes else self._padded())
        )

    async def body(self, data: bytes) -> bytes:
        """More of the member."""
        self._missing -= len(data)
        assert self._missing >= 0, "a member has as many bytes as said"
        return await self._compressed(data if self._missing else data + self._padded())

    async def end(self) -> bytes:
        """The end of the archive."""
        assert self._missing == 0, "the last member has its bytes"
        last = await self._compressed(bytes(2 * tarfile.BLOCKSIZE))
        return last + self._compressor.flush()

    def _padded(self) -> bytes:
        padding, self._padding = bytes(self._padding), 0
        return padding

    async def _compressed(self, data: bytes) -> bytes:
        return await asyncio.to_thread(self._compressor.compress, data)
