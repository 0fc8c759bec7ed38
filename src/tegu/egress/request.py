"""A request to an address that a user gave, and what came back.

Made by the stages and the engine, sent by `client`, whose libraries take time to load and are not needed for these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class EgressLimits:
    """Of one request: for each phase, for all of it, and how much of an answer is read."""

    connect_s: float = 5.0
    read_s: float = 10.0
    total_s: float = 15.0
    answer_bytes_max: int = 65_536


@dataclass(frozen=True, slots=True)
class EgressRequest:
    """What is asked. `private` are headers for the host of `url` alone: a redirect to another does not get them."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    private: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `is_cut`: there was more. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool = False
