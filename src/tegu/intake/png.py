"""Pixels as a PNG file: the least of the format that every browser reads.

Called by `pdf_page`. An image library would be the larger risk: this writes, and reads nothing.
"""

import struct
import zlib

_GREY, _RGB = 0, 2
_COMPRESSION = 6


def png_of(width: int, height: int, stride: int, channels: int, pixels: memoryview) -> bytes:
    """Rows of `stride` bytes, whose pixels have one channel (grey), three (RGB), or four of which the last says nothing."""
    rows: list[bytes] = []
    for y in range(height):
        row = bytes(pixels[y * stride : y * stride + width * channels])
        if channels == 4:
            kept = bytearray(width * 3)
            kept[0::3], kept[1::3], kept[2::3] = row[0::4], row[1::4], row[2::4]
            row = bytes(kept)
        rows += (b"\0", row)
    color = _GREY if channels == 1 else _RGB
    head = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    body = zlib.compress(b"".join(rows), _COMPRESSION)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
