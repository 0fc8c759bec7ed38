"""The kinds of stages that there are: what each is for, what can be set, what it takes and puts out.

Called by `declared`. Invariant: all of it comes from the catalog that documents are checked against.
"""

from dataclasses import dataclass

from tegu.domain.json import JsonObject
from tegu.pipeline.catalog import FunctionContract, KindCatalog
from tegu.pipeline.definition import PYTHON_KIND
from tegu.pipeline.document_schema import options_schema
from tegu.pipeline.drawing.picture import Group, group_of


@dataclass(frozen=True, slots=True)
class StageFunction:
    """A Python stage, by `name@version`. `inputs` are its parameters in order, as `name: type`; `output` is JSON Schema."""

    name: str
    description: str | None
    inputs: tuple[str, ...]
    output: JsonObject


@dataclass(frozen=True, slots=True)
class StageKindInfo:
    """One kind. `options` is the JSON Schema of `with:` as authors write it, `output` that of what it puts out where nothing is
    set ({}: that depends on what is set, or on its inputs); `functions` are those of the kind `python`.
    """

    name: str
    group: Group
    summary: str
    description: str
    options: JsonObject
    output: JsonObject
    functions: tuple[StageFunction, ...] = ()


def stage_kinds(catalog: KindCatalog) -> list[StageKindInfo]:
    """All of them, by name."""
    return [_kind(catalog, name) for name in sorted(catalog.kinds())]


def _kind(catalog: KindCatalog, name: str) -> StageKindInfo:
    description = catalog.describe(name)
    options = options_schema(catalog, name)
    return StageKindInfo(
        name,
        group_of(name),
        description.partition("\n\n")[0].replace("\n", " "),
        description,
        options,
        {} if options.get("required") else catalog.output_schema(name, {}),
        _functions(catalog) if name == PYTHON_KIND else (),
    )


def _functions(catalog: KindCatalog) -> tuple[StageFunction, ...]:
    return tuple(_function(key, contract) for key, contract in sorted(catalog.functions().items()))


def _function(name: str, contract: FunctionContract) -> StageFunction:
    inputs = tuple(f"{each.name}: {each.type_name}" for each in contract.inputs)
    return StageFunction(name, contract.description, inputs, contract.output)
