"""`merge`: objects that speak of one thing, as one object; and where they disagree, who said what. Asks no model.

inputs      stages that put out objects, or one that puts out a list of them (`each`); null says nothing
options     prefer  whose value is kept where they disagree: the first input (default) or the last that has one
            lists   union (default): the items of all, each once; choose: as other values
            take    what is merged of each, a path; of a list there its items
returns     {value, conflicts: [{path, kept, values: [{source, value}]}], conflict_count}
            objects in objects are merged too; path: JSON pointer into value; source: the input, with its index in a list
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

from tegu.domain.errors import StageError
from tegu.domain.json import JsonObject
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.outputs import Merged
from tegu.stages.kind import Options, StageOutput, StageWork, options_schema, read_options
from tegu.stages.merging import MergeRules, Merging
from tegu.stages.placed import (
    ITEMS_MAX,
    DottedPath,
    Placed,
    data_of,
    flat,
    steps_of,
    taken,
    too_many,
    worked_out,
)
from tegu.stages.shapes import at, flattened, together, with_property


class MergeOptions(Options):
    """See the module."""

    prefer: Literal["first", "last"] = "first"
    lists: Literal["union", "choose"] = "union"
    take: DottedPath | None = None


class MergeKind:
    """Implements StageKind."""

    name = "merge"
    version = 1

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        return options_schema(MergeOptions)

    def output_schema(self, config: JsonObject) -> JsonObject:
        """`{value, conflicts, conflict_count}`."""
        del config  # the same for all
        return schema_of(Merged)

    def derived_schema(self, config: JsonObject, inputs: Mapping[str, JsonObject]) -> JsonObject:
        """The same, with what is known of the fields."""
        options = read_options(MergeOptions, config)
        steps = steps_of(options.take)
        value = together([flattened(at(flattened(schema), steps)) for schema in inputs.values()])
        return with_property(self.output_schema(config), "value", value)

    async def perform(self, work: StageWork) -> StageOutput:
        """Field by field."""
        options = read_options(MergeOptions, work.config)
        inputs = data_of(work.inputs)
        return await worked_out(partial(_merged, inputs, options), inputs)


def _merged(inputs: Sequence[Placed], options: MergeOptions) -> StageOutput:
    steps = steps_of(options.take)
    said = [
        each
        for found in inputs
        for item in flat(found)
        for place in taken(item, steps)
        for each in flat(place)
        if each.value is not None
    ]
    if len(said) > ITEMS_MAX:
        raise too_many("what is merged")
    for each in said:
        if not isinstance(each.value, dict):
            raise StageError(
                f"{each.place} is no object, and objects are merged",
                code="wrong_input",
                hint="say with `take` where the object stands, or use `collect`",
            )
    merging = Merging(MergeRules(options.prefer, options.lists))
    value = merging.merged(said) or {}
    return StageOutput(
        {"value": value, "conflicts": merging.conflicts, "conflict_count": merging.conflict_count}
    )
