"""The provider, asked as a stage asks it."""

import asyncio
import json
import time
from typing import Any

from tegu.domain.errors import ProviderError
from tegu.llm.protocol import Credential, DataPart, ModelRef, ModelRequest, OutputSpec
from tegu.llm.providers.rules import RulesProvider


class Asker:
    """Asks, and keeps the time that the answers took."""

    def __init__(self) -> None:
        self._took_s: list[float] = []
        self._provider = RulesProvider()

    def ask(
        self, text: str, schema: dict[str, Any], task: str, labels: dict[str, str] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The answer and the reply's metadata; nothing where a required field could not be filled."""
        hints: dict[str, Any] = {"task": task}
        if labels:
            hints["labels"] = labels
        parts = (DataPart("source", text),)
        request = ModelRequest(ModelRef.parse("rules"), "", parts, OutputSpec("output", schema), hints=hints)
        begun = time.process_time()
        try:
            reply = asyncio.run(self._provider.request(request, Credential()))
        except ProviderError:
            return {}, {}
        finally:
            self._took_s.append(time.process_time() - begun)
        return json.loads(reply.text), dict(reply.metadata)

    def milliseconds(self) -> dict[str, float]:
        """The processor time of an item: the median and the slowest."""
        ordered = sorted(self._took_s)
        return {
            "median_ms": round(1000 * ordered[len(ordered) // 2], 1),
            "max_ms": round(1000 * ordered[-1], 1),
        }
