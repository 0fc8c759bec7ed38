"""The demo model: canned answers to the samples that ship with Tegu, said as slowly as a model says them.

For `tegu serve --demo`, which shows the whole of Tegu without a key. It is a provider like any other: its calls are rows of the
ledger, its replies are journalled and streamed. Invariants: it is no model and says so by its name, `demo:canned-answers`, in its
replies and in its errors; to anything but the samples it answers nothing; it costs nothing.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import JsonValue

from tegu.domain.call import DEMO, Usage
from tegu.domain.errors import ProviderError
from tegu.domain.json import JsonObject
from tegu.llm.protocol import Credential, ModelReply, ModelRequest, OnText

DEMO_MODEL = f"{DEMO}:canned-answers"
PAUSE_S = 1.2
"""Before the first word."""
WORD_S = 0.075
_WORD = re.compile(r"\S*\s*")
_WRAPPED = frozenset({"output", "evidence"})


@dataclass(frozen=True, slots=True)
class _Canned:
    """One answer: to which sample, to what question, and what it is. `said` is what the instructions say where it is given: the one
    that is wrong on purpose is given until they are changed.
    """

    sample: str
    task: str
    asks: frozenset[str]
    answer: JsonValue
    evidence: JsonValue
    said: str = ""

    def fits(self, request: ModelRequest, names: frozenset[str]) -> bool:
        """Whether it answers this."""
        return (
            request.hints.get("task") == self.task
            and self.asks <= names
            and self.said in " ".join(request.instructions.split())
            and any(self.sample in part.text for part in request.parts)
        )


class DemoProvider:
    """See the module."""

    def __init__(self, *, pause_s: float = PAUSE_S, word_s: float = WORD_S) -> None:
        self._pause_s = pause_s
        self._word_s = word_s

    async def request(self, request: ModelRequest, credential: Credential) -> ModelReply:
        """Answer one request, in the time that it takes to say it. Raises ProviderError for what is no sample."""
        return await self.request_streamed(request, credential, lambda _: None)

    async def request_streamed(
        self, request: ModelRequest, credential: Credential, on_text: OnText
    ) -> ModelReply:
        """The same, heard word by word."""
        del credential  # there is nobody to show it to
        text = _text_of(request)
        await asyncio.sleep(self._pause_s)
        for word in _WORD.findall(text):
            on_text(word)
            await asyncio.sleep(self._word_s)
        return ModelReply(
            text=text,
            finish_reason="stop",
            usage=Usage(input_tokens=0, cached_tokens=0, output_tokens=0, reasoning_tokens=0),
            cost_usd=Decimal(0),
            model=request.model.name,
            metadata={"kind": "demo", "llm": False},
        )

    async def close(self) -> None:
        """Nothing is open."""


def _text_of(request: ModelRequest) -> str:
    """What is said. Raises ProviderError."""
    schema = request.output.schema if request.output is not None else {}
    names = frozenset(_names(schema))
    found = next((each for each in _answers() if each.fits(request, names)), None)
    if found is None:
        raise ProviderError(
            f"{request.model} has canned answers to the samples of `tegu serve --demo`, and none to this",
            code="bad_request",
            transient=False,
            status=400,  # nothing was done, so nothing is billed
            hint="choose a model: `tegu models`, or `rules`, which needs no key",
        )
    if request.output is None:
        return str(found.answer)
    properties = schema.get("properties")
    is_wrapped = isinstance(properties, dict) and properties.keys() == _WRAPPED
    said = {"output": found.answer, "evidence": found.evidence} if is_wrapped else found.answer
    return json.dumps(said, ensure_ascii=False, indent=1)


def _names(schema: JsonValue) -> Iterator[str]:
    """The names of all members that a schema knows."""
    match schema:
        case dict():
            properties = schema.get("properties")
            if isinstance(properties, dict):
                yield from properties
            for each in schema.values():
                yield from _names(each)
        case list():
            for each in schema:
                yield from _names(each)
        case _:
            return


@cache
def _answers() -> tuple[_Canned, ...]:
    """Of the file beside the samples."""
    read: list[dict[str, Any]] = json.loads(
        files("tegu").joinpath("samples", "demo_answers.json").read_text("utf-8")
    )
    return tuple(
        _Canned(
            each["sample"],
            each["task"],
            frozenset(each.get("asks", ())),
            each["answer"],
            _evidence(each.get("evidence", {})),
            each.get("said", ""),
        )
        for each in read
    )


def _evidence(quotes: JsonObject) -> JsonValue:
    return [{"path": path, "quote": quote} for path, quote in quotes.items()]
