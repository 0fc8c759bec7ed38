"""Pipelines that nest others: which version each of their stages means, whether it is there, and whether what it puts out fits.

Called when a pipeline is checked, published or looked for. Invariant: what is stored names its nested pipelines by version, so
that a run never changes under its feet, and no pipeline can nest itself without an end: a version nests older ones only.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from tegu.actions.apart import apart
from tegu.domain.errors import DefinitionError, Problem
from tegu.domain.json import JsonObject
from tegu.pipeline.catalog import FunctionContract, KindCatalog
from tegu.pipeline.check import Examined, examine
from tegu.pipeline.check_outputs import output_schemas
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.document import PipelineDocument
from tegu.pipeline.pipeline_name import PipelineName
from tegu.pipeline.report import did_you_mean, one_of
from tegu.pipeline.schema_fit import misfit
from tegu.pipeline.until import until_problems
from tegu.storage.pipelines import PipelineVersion

NESTING_KINDS = frozenset({"pipeline", "loop"})
LOOP_KIND = "loop"
_NO_INPUTS: Mapping[str, JsonObject] = {}

FindVersion = Callable[[str, int | None], Awaitable[PipelineVersion | None]]
"""By name and number; the current one without a number."""


async def examined(document: PipelineDocument, catalog: KindCatalog, find: FindVersion) -> Examined:
    """Everything that there is to say of a document, also of the pipelines that it nests."""
    data = document.data or {}
    nesting = _Nesting(catalog, await _nested_in(data, find))
    return await apart(examine, document, nesting)


async def pinned(
    definition: PipelineDefinition, catalog: KindCatalog, find: FindVersion
) -> PipelineDefinition:
    """The definition with each nested pipeline in the version that its name means now. Raises DefinitionError with all that is
    wrong with them.
    """
    if not any(stage.uses in NESTING_KINDS for stage in definition.stages):
        return definition
    data = definition.to_json()
    nesting = _Nesting(catalog, await _nested_in(data, find))
    # What a definition says by itself was checked where it was made, and perhaps with more Python stages than are here.
    alone, together = await apart(examine, data, catalog), await apart(examine, data, nesting)
    problems = tuple(each for each in together.problems if each not in alone.problems)
    if problems:
        raise DefinitionError(problems, source=f"pipeline {definition.name!r}")
    return replace(definition, stages=tuple(nesting.pinned(stage) for stage in definition.stages))


async def _nested_in(data: JsonObject, find: FindVersion) -> dict[str, PipelineVersion]:
    """The pipelines that a document nests and that are there, as it names them. Whatever else is wrong with it is no matter."""
    stages = data.get("stages")
    found: dict[str, PipelineVersion] = {}
    for entry in stages.values() if isinstance(stages, dict) else ():
        written = _named_by(entry)
        if written is None or written in found:
            continue
        named = PipelineName.read(written)
        # Nothing nests a draft, whose name is another once it is published.
        version = None if named is None or named.is_draft else await find(named.name, named.number)
        if version is not None:
            found[written] = version
    return found


def _named_by(entry: JsonValue) -> str | None:
    match entry:
        case {"uses": str() as kind, "with": {"pipeline": str() as written}} if kind in NESTING_KINDS:
            return written
        case _:
            return None


@dataclass(frozen=True, slots=True)
class _Nesting:
    """Implements KindCatalog: another one that also knows the pipelines that a document nests."""

    base: KindCatalog
    versions: Mapping[str, PipelineVersion]
    outputs: dict[tuple[str, str | None], JsonObject] = field(
        default_factory=dict[tuple[str, str | None], JsonObject]
    )
    """Of each pipeline that is nested, for many stages may nest the same."""

    def pinned(self, stage: StageDefinition) -> StageDefinition:
        """With the version that its pipeline means."""
        if stage.uses not in NESTING_KINDS:
            return stage
        version = self.versions[str(stage.config["pipeline"])]
        return replace(stage, config={**stage.config, "pipeline": f"{version.name}@{version.number}"})

    def kinds(self) -> Sequence[str]:
        return list(self.base.kinds())

    def describe(self, kind: str) -> str:
        return self.base.describe(kind)

    def config_schema(self, kind: str) -> JsonObject:
        return self.base.config_schema(kind)

    def check_model(self, written: str) -> None:
        self.base.check_model(written)

    def functions(self) -> Mapping[str, FunctionContract]:
        return self.base.functions()

    def output_schema(
        self, kind: str, config: JsonObject, inputs: Mapping[str, JsonObject] = _NO_INPUTS
    ) -> JsonObject:
        """What a nested pipeline puts out, where the document does not say it."""
        if kind in NESTING_KINDS and config.get("schema") is None and (found := self._output(config)):
            config = {**config, "schema": found}
        return self.base.output_schema(kind, config, inputs)

    def config_problems(
        self, kind: str, config: JsonObject, inputs: Mapping[str, JsonObject]
    ) -> Sequence[Problem]:
        found = [*self.base.config_problems(kind, config, inputs)]
        if kind not in NESTING_KINDS:
            return found
        written = str(config["pipeline"])
        version = self.versions.get(written)
        if version is None:
            hint = "publish it first; `tegu pipelines` lists those that there are"
            return [*found, Problem("pipeline", f"there is no pipeline {written!r}", hint)]
        there = [stage.name for stage in version.definition.stages]
        output = config.get("output")
        if isinstance(output, str) and output not in there:
            message = f"{version.name}@{version.number} has no stage {output!r}"
            return [*found, Problem("output", message, did_you_mean(output, there) or one_of(there))]
        put_out, schema = self._output(config), config.get("schema")
        if isinstance(schema, dict):
            if (why := misfit(put_out, schema)) is not None:
                message = f"what {version.name}@{version.number} puts out does not fit: {why}"
                found.append(
                    Problem("schema", message, "say what it puts out, or name another stage: `output`")
                )
        elif kind == LOOP_KIND:
            found += [each for each in until_problems(str(config["until"]), put_out) if each not in found]
        return found

    def _output(self, config: JsonObject) -> JsonObject:
        """What the nested run puts out; `{}` where that is not known."""
        written, wanted = str(config.get("pipeline")), config.get("output")
        place = written, wanted if isinstance(wanted, str) else None
        if place not in self.outputs:
            self.outputs[place] = self._derived(*place)
        return self.outputs[place]

    def _derived(self, written: str, output: str | None) -> JsonObject:
        version = self.versions.get(written)
        if version is None:
            return {}
        definition = version.definition
        wanted = output or definition.output
        schemas = output_schemas(definition, self.base)
        if isinstance(wanted, str):
            return schemas.of(wanted) if wanted in definition else {}
        # Of all stages by their names; those that were skipped are missing.
        return {
            "type": "object",
            "properties": {stage.name: schemas.of(stage.name) for stage in definition.stages},
        }
