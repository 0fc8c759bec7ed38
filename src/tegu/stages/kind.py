"""What a stage kind is: a name, the options it takes, the shape it puts out, and the work itself.

Implemented by each kind's file, looked up in `registry`, called by `perform`. Invariant: a kind keeps no state between
stages, and what it puts out depends only on its work: options, inputs and what models answered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal, Protocol, TypeVar, runtime_checkable
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from tegu.domain.errors import ErrorInfo, Problem, StageError
from tegu.domain.evidence import EvidenceSpan
from tegu.domain.json import JsonObject
from tegu.domain.outcome import WAKEABLE_CODES, Confidence, ConfidenceMethod, Postponed
from tegu.llm.protocol import DataPart, OutputMode, OutputSpec
from tegu.pipeline.limits import INSTRUCTIONS_LENGTH_MAX
from tegu.pipeline.output_schema import tidy
from tegu.pipeline.shorthand import to_json_schema
from tegu.pipeline.task import StageTask
from tegu.stages.context import Answer, StageContext
from tegu.stages.inputs import StageInput, TextInput
from tegu.stages.reach import Reach


@dataclass(frozen=True, slots=True)
class StageWork:
    """One stage to do: its options, its inputs in the order written, its context, and what it may reach beyond them."""

    config: JsonObject
    inputs: tuple[StageInput, ...]
    ctx: StageContext
    task: StageTask
    reach: Reach

    def parts(self) -> tuple[DataPart, ...]:
        """The inputs as models get them."""
        return tuple(item.part() for item in self.inputs)

    def texts(self) -> tuple[TextInput, ...]:
        """The texts among the inputs that evidence can point into."""
        return tuple(item for item in self.inputs if isinstance(item, TextInput) and not item.is_repeated)


@dataclass(frozen=True, slots=True)
class StageOutput:
    """What a stage came to. Paths of evidence are JSON pointers into `value`."""

    value: JsonValue
    evidence: tuple[EvidenceSpan, ...] = ()
    confidence: Confidence | None = None
    llm_call_id: UUID | None = None


class StageKind(Protocol):
    """One kind of work. Raise `version` when the same inputs give another output; it is part of fingerprints."""

    @property
    def name(self) -> str:
        """As written after `uses:`."""
        ...

    @property
    def version(self) -> int:
        """Of the code."""
        ...

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        ...

    def output_schema(self, config: JsonObject) -> JsonObject:
        """JSON Schema of its output with these options; `{}` where that is not known."""
        ...

    async def perform(self, work: StageWork) -> StageOutput | Postponed:
        """Do it, or return `waiting(...)`: what it waits for is not there. It is then called again, with the same work, when
        the run is signalled and at the latest when it said; so what it does beyond its output is keyed by the task. Raises
        StageError, ProviderError, IntakeError and other TeguErrors for endings that are expected.
        """
        ...


def waiting(code: str, message: str, *, due_in_s: float, hint: str | None = None) -> Postponed:
    """What a kind returns that waits: `code` is one of WAKEABLE_CODES, `due_in_s` when to look again without a signal."""
    assert code in WAKEABLE_CODES
    return Postponed(ErrorInfo(code, message, hint=hint), due_in_s)


@runtime_checkable
class DerivingKind(StageKind, Protocol):
    """A kind whose output depends on what it is given: one that hands on, cuts or joins its inputs."""

    def derived_schema(self, config: JsonObject, inputs: Mapping[str, JsonObject]) -> JsonObject:
        """As `output_schema`, given the schemas of its inputs in the order written; `{}` where one is not known."""
        ...


@runtime_checkable
class CheckingKind(StageKind, Protocol):
    """A kind with more to say about its config than a schema can: of conditions, and of inputs that it names."""

    def config_problems(self, config: JsonObject, inputs: Mapping[str, JsonObject]) -> Sequence[Problem]:
        """See `KindCatalog`."""
        ...


class Options(BaseModel):
    """Base of the options of a kind: what is unknown is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ModelOptions(Options):
    """Options of every kind that asks a model."""

    instructions: str = Field(
        "", max_length=INSTRUCTIONS_LENGTH_MAX, description="What to look for or to do."
    )
    max_tokens: Annotated[int, Field(ge=1, le=200_000)] | None = Field(
        None, description="Most tokens of one reply."
    )
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    output_mode: Literal["native", "tool"] = Field(
        "native", description="How JSON is asked for: the provider's structured output, or a tool to call."
    )

    def spec(self, name: str, schema: JsonObject) -> OutputSpec:
        """The JSON that is wanted, in the output mode chosen."""
        return OutputSpec(name, schema, OutputMode(self.output_mode))


OptionsT = TypeVar("OptionsT", bound=Options)


def read_options(options: type[OptionsT], config: JsonObject) -> OptionsT:
    """The options of a stage. Raises StageError; a document that was checked has none of these problems."""
    try:
        return options.model_validate(config)
    except ValidationError as error:
        problems = "; ".join(
            f"with.{'.'.join(str(step) for step in each['loc'])}: {each['msg']}" for each in error.errors()
        )
        raise StageError(problems, code="bad_config", hint="run `tegu check FILE`") from error


@cache
def options_schema(options: type[Options]) -> JsonObject:
    """JSON Schema of the options, as documents are checked against it; to be read only, it is made once."""
    return tidy(options.model_json_schema(by_alias=True))


def author_schema(schema: JsonValue) -> JsonObject:
    """JSON Schema of what an author wrote as `schema`. Raises StageError."""
    found, problems = to_json_schema(schema, "with.schema")
    if problems:
        first = problems[0]
        raise StageError(f"{first.place}: {first.message}", code="bad_config", hint=first.hint)
    return found


def joined(*paragraphs: str) -> str:
    """Instructions of several paragraphs, without the empty ones."""
    return "\n\n".join(text.strip() for text in paragraphs if text.strip())


def confidence_of(answer: Answer, number: JsonValue = None) -> Confidence | None:
    """How sure the answer is: `number` out of it where it has one, else what the provider says; None if neither."""
    value = number if isinstance(number, int | float) else answer.completion.confidence
    if value is None:
        return None
    method = ConfidenceMethod.RULE if answer.is_by_rules else ConfidenceMethod.SELF_REPORTED
    return Confidence(min(1.0, max(0.0, float(value))), method)
