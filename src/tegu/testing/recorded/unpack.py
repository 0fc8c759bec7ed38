"""Bytes as they travelled, unpacked.

Called by `reading`. Invariant: what is unpacked is bounded, and a packing that cannot be undone is said, never guessed.
"""

import zlib
from collections.abc import Callable
from typing import Any, cast

BYTES_MAX = 32_000_000
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class PackedError(Exception):
    """The bytes cannot be unpacked."""


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its packing, by its first bytes and then by what `encoding` (the header) claims: recorders often
    store the plain body beside the header of the packed one. Raises PackedError.
    """
    claimed = encoding.rpartition(",")[2].strip().lower()
    if body.startswith(_GZIP):
        return _inflated(body, 16 + zlib.MAX_WBITS)
    if body.startswith(_ZSTD):
        return _by_library(body, "zstd")
    if claimed in {"br", "zstd", "deflate"} and not _is_text(body):
        return _deflated(body) if claimed == "deflate" else _by_library(body, claimed)
    return body


def _inflated(body: bytes, wbits: int) -> bytes:
    unpack = zlib.decompressobj(wbits=wbits)
    try:
        found = unpack.decompress(body, BYTES_MAX + 1)
    except zlib.error as error:
        raise PackedError(f"is not the gzip or deflate that it claims to be: {error}") from error
    if len(found) > BYTES_MAX:
        raise PackedError(f"is larger than {BYTES_MAX} bytes when unpacked")
    if not unpack.eof:
        raise PackedError("ends in the middle of its gzip or deflate")
    return found


def _deflated(body: bytes) -> bytes:
    try:
        return _inflated(body, zlib.MAX_WBITS)
    except PackedError:
        return _inflated(body, -zlib.MAX_WBITS)


def _by_library(body: bytes, encoding: str) -> bytes:
    unpack = _brotli() if encoding == "br" else _zstd()
    if unpack is None:
        wanted = "brotli>=1.2" if encoding == "br" else "backports.zstd"
        raise PackedError(f"is packed as {encoding!r}, which needs the package {wanted!r}")
    try:
        found = unpack(body)
    except Exception as error:
        raise PackedError(f"is not the {encoding} that it claims to be: {error}") from error
    if len(found) > BYTES_MAX:
        raise PackedError(f"is larger than {BYTES_MAX} bytes when unpacked")
    return found


def _zstd() -> Callable[[bytes], bytes] | None:
    """In the standard library from Python 3.14 on; a package brings the same to older ones."""
    try:
        from compression import zstd  # pyright: ignore[reportMissingImports, reportUnknownVariableType] - optional
    except ImportError:
        try:
            from backports import zstd  # pyright: ignore[reportMissingImports, reportUnknownVariableType, reportAttributeAccessIssue] - optional
        except ImportError:
            return None
    module = cast("Any", zstd)
    return lambda body: module.ZstdDecompressor().decompress(body, BYTES_MAX + 1)


def _brotli() -> Callable[[bytes], bytes] | None:
    try:
        import brotli  # pyright: ignore[reportMissingImports, reportMissingModuleSource] - optional
    except ImportError:
        return None
    module = cast("Any", brotli)
    # Before 1.2 it has no such argument, and no limit.
    return lambda body: module.Decompressor().process(body, output_buffer_limit=BYTES_MAX + 1)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
