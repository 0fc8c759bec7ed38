"""One action as the client asks for it: its route, what it returns, and whether asking twice does harm.

Made by the generated modules of `nouns`, carried by `asking`. Invariant: what was not given is not sent, so that the service's
own defaults stand.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote
from uuid import uuid4

from pydantic import TypeAdapter
from pydantic_core import to_json, to_jsonable_python

Out = TypeVar("Out")
_IDEMPOTENCY_FIELD = "idempotency_key"


class Unset(Enum):
    """Not given, where None is something that can be said."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. `may_repeat`: it may be sent again although it may have been received."""

    method: str
    path: str
    query: dict[str, Any]
    body: bytes | None
    headers: dict[str, str]
    may_repeat: bool
    extra_s: float = 0.0
    """How much longer the service may take than other requests do."""
    file: Path | None = None
    """What is sent instead of a body, as it is read."""


@dataclass(frozen=True)
class Call(Generic[Out]):
    """See the module. `name` is that of the action, `path` is below /api, `key` the input that stands in it; None is sent for
    the inputs of `nullable`, and means nothing elsewhere.
    """

    name: str
    method: str
    path: str
    returns: Any
    key: str | None = None
    is_idempotent: bool = False
    is_keyed: bool = False
    nullable: tuple[str, ...] = ()

    @cached_property
    def output(self) -> TypeAdapter[Out]:
        """What reads its answer."""
        return TypeAdapter(self.returns)

    def upload(self, file: Path | bytes, given: Mapping[str, object]) -> Request:
        """What is sent to store a file, or bytes: as they are, with what is said of them beside."""
        said = self.said(given)
        if "metadata" in said:
            said["metadata"] = to_json(said["metadata"]).decode()
        headers = {"content-type": "application/octet-stream"}
        if isinstance(file, Path):
            may_repeat = file.is_file()  # a pipe is read once
            return Request(self.method, self.path, said, None, headers, may_repeat, file=file)
        return Request(self.method, self.path, said, file, headers, may_repeat=True)

    def said(self, given: Mapping[str, object]) -> dict[str, Any]:
        """The inputs that were given, as JSON has them."""
        return {
            name: _plain(value)
            for name, value in given.items()
            if value is not UNSET and (value is not None or name in self.nullable)
        }

    def request(self, given: Mapping[str, object]) -> Request:
        """What is sent for these inputs. A start gets a key of its own, so that it may be repeated."""
        said = self.said(given)
        path = self.path
        is_query = self.method in {"GET", "DELETE"}
        if self.key is not None:
            path = path.replace(f"{{{self.key}}}", quote(str(said.pop(self.key)), safe=""))
        headers: dict[str, str] = {}
        if self.is_keyed:
            headers["idempotency-key"] = str(said.pop(_IDEMPOTENCY_FIELD, None) or uuid4())
        if not is_query:
            headers["content-type"] = "application/json"
        waits_s = said.get("timeout_s")
        return Request(
            self.method,
            path,
            query=said if is_query else {},
            body=None if is_query else to_json(said),
            headers=headers,
            may_repeat=self.is_idempotent or self.is_keyed,
            extra_s=float(waits_s) if isinstance(waits_s, int | float) else 0.0,
        )


def _plain(value: object) -> Any:
    """As JSON has it: bytes in base64."""
    return b64encode(value).decode() if isinstance(value, bytes) else to_jsonable_python(value)
