"""How replies under way leave a stage: the engine's side of it, as the performer and the stage's models see it.

Implemented by the engine, handed in by the runtime. Invariant: a stage neither knows nor waits for who listens.
"""

from collections.abc import Callable
from typing import Protocol

from tegu.llm.protocol import Watch
from tegu.pipeline.task import StageTask


class LiveAttempt(Protocol):
    """The replies of one attempt at a stage."""

    def watch(self, call: int, *, is_json: bool) -> Watch:
        """For one logical call, numbered within the stage run. `is_json`: its text is to become a value."""
        ...

    def close(self) -> None:
        """The attempt ended."""
        ...


OpenLive = Callable[[StageTask], LiveAttempt]
