"""One attempt at one stage, as the engine hands it to the code that performs it.

Made by the engine's driver, read by the stages. It carries ids and upstream outputs; texts are loaded when asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from tegu.pipeline.child import DataSource
from tegu.pipeline.definition import PipelineDefinition, StageDefinition


@dataclass(frozen=True, slots=True)
class StageTask:
    """`pinned_at` is the run's own time: a stage that asks for the time twice gets the same answer after a crash.

    `generation` tells deliberate new questions to a model from repeated ones; `is_alone` asks for a child process.
    `epoch` is the claim that the attempt belongs to: the fence of what is written of it outside of checkpoints. `failures` counts
    those of the stage so far: what it starts beside itself belongs to one try. `data` stands for the source of a run that
    is about a value; with `is_about_item` the source is the content that an item names. `reuse_from` is an
    earlier run, whose output may be taken where the fingerprint is the same.
    """

    organization_id: UUID
    run_id: UUID
    definition: PipelineDefinition
    stage: StageDefinition
    inputs: Mapping[str, JsonValue]
    content_id: UUID | None
    thread_id: UUID | None
    model: str | None
    attempt: int
    generation: int
    pinned_at: datetime
    is_alone: bool = False
    epoch: int = 0
    failures: int = 0
    data: DataSource | None = None
    is_about_item: bool = False
    reuse_from: UUID | None = None
