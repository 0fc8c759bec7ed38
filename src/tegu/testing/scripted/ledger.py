"""The ledger of a scripted provider: every request it received and what became of it.

Called by the server, and by tests of other processes through `read_ledger`. Invariant: a request is in the ledger (and
flushed to its file) before anything is answered, so that a client that dies waiting is counted too.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO

from pydantic import TypeAdapter

from tegu.domain.json import JsonObject
from tegu.testing.scripted.routes import ProviderRequest
from tegu.testing.scripted.script import Tokens, WireFormat


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A request and its answer. `status` None: not answered yet, or the connection was broken before the first byte.

    `at_s` and `answered_at_s` are monotonic time. `rule` is the index of the rule that answered, None for the default
    reply and for a reply function. Tokens are what the reply claims, None where no model answered. `is_complete` says
    that the whole reply was handed to a client that was still connected.
    """

    number: int
    at_s: float
    wire: WireFormat | None
    model: str
    path: str
    headers: Mapping[str, str]
    body: JsonObject
    prompt_hash: str
    rule: int | None = None
    status: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    is_complete: bool = False
    answered_at_s: float | None = None


_ENTRY = TypeAdapter(LedgerEntry)


@dataclass(frozen=True, slots=True)
class _Answered:
    """The second line of an entry in the file."""

    number: int
    rule: int | None
    status: int | None
    input_tokens: int | None
    output_tokens: int | None
    is_complete: bool
    answered_at_s: float


_ANSWERED = TypeAdapter(_Answered)


@dataclass(slots=True)
class LedgerBook:
    """The entries in order of arrival, and the file they are appended to. Not for several writers at once.

    Without `keeps_bodies` request bodies are only in the file, and a long-lived process stays small.
    """

    entries: list[LedgerEntry]
    path: Path | None = None
    keeps_bodies: bool = True
    _file: TextIO | None = field(default=None, init=False)

    def open(self) -> None:
        """Open the file for appending."""
        if self.path is not None:
            self._file = self.path.open("a", encoding="utf-8", errors="surrogatepass")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def arrived(self, request: ProviderRequest, *, at_s: float) -> None:
        """Write down a request."""
        entry = LedgerEntry(
            number=request.number,
            at_s=at_s,
            wire=request.wire,
            model=request.model,
            path=request.path,
            headers=request.headers,
            body=request.body,
            prompt_hash=request.prompt_hash,
        )
        self.entries.append(entry if self.keeps_bodies else replace(entry, body={}))
        self._append("arrived", _ENTRY.dump_python(entry, mode="json"))

    def answered(
        self,
        number: int,
        *,
        rule: int | None,
        status: int | None,
        tokens: Tokens | None,
        is_complete: bool,
        at_s: float,
    ) -> None:
        """Write down what was answered to request `number`."""
        answered = _Answered(
            number=number,
            rule=rule,
            status=status,
            input_tokens=tokens.input_tokens if tokens else None,
            output_tokens=tokens.output_tokens if tokens else None,
            is_complete=is_complete,
            answered_at_s=at_s,
        )
        self.entries[number - 1] = _merged(self.entries[number - 1], answered)
        self._append("answered", _ANSWERED.dump_python(answered, mode="json"))

    def _append(self, event: str, values: JsonObject) -> None:
        if self._file is not None:
            self._file.write(json.dumps({"event": event, **values}, separators=(",", ":")) + "\n")
            self._file.flush()


def read_ledger(path: Path) -> list[LedgerEntry]:
    """The entries of a ledger file, in order of arrival; a last line that is still being written is left out."""
    entries: dict[int, LedgerEntry] = {}
    for line in path.read_text("utf-8").split("\n")[:-1]:
        values: JsonObject = json.loads(line)
        if values.pop("event") == "arrived":
            entry = _ENTRY.validate_python(values)
            entries[entry.number] = entry
        else:
            answered = _ANSWERED.validate_python(values)
            entries[answered.number] = _merged(entries[answered.number], answered)
    return list(entries.values())


def _merged(entry: LedgerEntry, answered: _Answered) -> LedgerEntry:
    return replace(
        entry,
        rule=answered.rule,
        status=answered.status,
        input_tokens=answered.input_tokens,
        output_tokens=answered.output_tokens,
        is_complete=answered.is_complete,
        answered_at_s=answered.answered_at_s,
    )
