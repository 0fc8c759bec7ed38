"""Bodies of answers as they were before they were packed, within bounds: a small answer may stand for any number of bytes.

Called by the stages that read what a service answered.
"""

import zlib


class TooLargeError(Exception):
    """There is more than may be read."""


_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def unpacked(body: bytes, encoding: str, size_max: int) -> bytes:
    """The body. Raises TooLargeError, and ValueError for what is packed in a way that we do not know, or not as it says."""
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        if len(body) > size_max:
            raise TooLargeError
        return body
    window = _WINDOWS.get(encoding)
    if window is None:
        raise ValueError(f"it is packed as {encoding[:40]!r}")
    machine = zlib.decompressobj(window)
    try:
        found = machine.decompress(body, size_max + 1)
    except zlib.error as error:
        raise ValueError("it is not packed as it says") from error
    if len(found) > size_max:
        raise TooLargeError
    if not machine.eof:
        raise ValueError("its end is missing")
    return found
