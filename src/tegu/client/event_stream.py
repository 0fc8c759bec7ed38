"""Server-sent events, as bytes come in.

Used by `asking`. Invariant: a line ends at a line feed and nowhere else, since the data may hold characters that other readers
take for the end of a line.
"""

_BYTES_MAX = 16 * 2**20
"""Of one event."""


class EventStream:
    """What has come of a stream so far."""

    def __init__(self) -> None:
        self._rest = b""
        self._kind = ""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> list[tuple[str, bytes]]:
        """The events that are whole with this piece: the kind of each, and its data. Raises ValueError for one that is too long."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        found: list[tuple[str, bytes]] = []
        for line in lines:
            self._take(line.removesuffix(b"\r"), found)
        if len(self._rest) + sum(map(len, self._data)) > _BYTES_MAX:
            raise ValueError(f"an event of more than {_BYTES_MAX} bytes")
        return found

    def _take(self, line: bytes, found: list[tuple[str, bytes]]) -> None:
        if not line:
            if self._data:
                found.append((self._kind or "message", b"\n".join(self._data)))
            self._kind, self._data = "", []
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._kind = value.decode("utf-8", "replace")
