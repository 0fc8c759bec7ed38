"""`dedupe`: a list without what is in it twice. Asks no model.

inputs      a stage that puts out a list, or `{items}`, or an object with a list at `path`
options     path       where the list stands
            key        fields that make an item what it is, as paths: [name, address.city]; default the whole item
            normalize  what makes no difference in texts: case, space, punctuation, accents; default nothing
            keep       which of several: first (default), last, or merge: what any of them says, the first where they differ
returns     {items, count, duplicates: [{item, found_at}]}
            in the order of the first of each; an item of whose key nothing is known is no duplicate of another
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from tegu.domain.errors import StageError
from tegu.domain.json import JsonObject
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.outputs import Deduped
from tegu.stages.kind import Options, StageOutput, StageWork, options_schema, read_options
from tegu.stages.merging import MergeRules, Merging
from tegu.stages.parts import stable_json
from tegu.stages.placed import (
    DEPTH_MAX,
    ITEMS_MAX,
    DottedPath,
    Placed,
    data_of,
    steps_of,
    taken,
    too_many,
    worked_out,
)
from tegu.stages.shapes import OPEN, at, items_of, with_property

Difference = Literal["case", "space", "punctuation", "accents"]
_SPACE = re.compile(r"\s+")


class DedupeOptions(Options):
    """See the module."""

    path: DottedPath | None = None
    key: Annotated[tuple[DottedPath, ...], Field(max_length=20)] = ()
    normalize: Annotated[tuple[Difference, ...], Field(max_length=4)] = ()
    keep: Literal["first", "last", "merge"] = "first"


class DedupeKind:
    """Implements StageKind."""

    name = "dedupe"
    version = 1

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        return options_schema(DedupeOptions)

    def output_schema(self, config: JsonObject) -> JsonObject:
        """`{items, count, duplicates}`."""
        del config  # the same for all
        return schema_of(Deduped)

    def derived_schema(self, config: JsonObject, inputs: Mapping[str, JsonObject]) -> JsonObject:
        """The same, with what is known of the items."""
        options = read_options(DedupeOptions, config)
        whole = next(iter(inputs.values()), OPEN)
        inside = at(whole, ("items",)) if options.path is None else at(whole, steps_of(options.path))
        items = items_of(whole if options.path is None and whole.get("type") == "array" else inside)
        return with_property(
            self.output_schema(config), "items", {"type": "array", "items": items} if items else OPEN
        )

    async def perform(self, work: StageWork) -> StageOutput:
        """Each once."""
        options = read_options(DedupeOptions, work.config)
        inputs = data_of(work.inputs)
        return await worked_out(partial(_deduped, inputs, options), inputs)


def _deduped(inputs: Sequence[Placed], options: DedupeOptions) -> StageOutput:
    groups: dict[str, list[Placed]] = {}
    for index, item in enumerate(_list(inputs, options.path)):
        groups.setdefault(_key(item, index, options), []).append(item)
    items = [_kept(group, options.keep) for group in groups.values()]
    duplicates: list[JsonValue] = [
        {"item": index, "found_at": [int(each.pointer.rpartition("/")[2]) for each in group]}
        for index, group in enumerate(groups.values())
        if len(group) > 1
    ]
    return StageOutput({"items": items, "count": len(items), "duplicates": duplicates})


def normalized(value: JsonValue, without: Collection[Difference], depth: int = 0) -> JsonValue:
    """The value with what makes no difference taken out of its texts."""
    match value:
        case str():
            return _plain(value, without)
        case list() if depth < DEPTH_MAX:
            return [normalized(item, without, depth + 1) for item in value]
        case dict() if depth < DEPTH_MAX:
            return {key: normalized(item, without, depth + 1) for key, item in value.items()}
        case _:
            return value


def _plain(text: str, without: Collection[Difference]) -> str:
    if "accents" in without:
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(char for char in decomposed if not unicodedata.combining(char))
    if "case" in without:
        text = unicodedata.normalize("NFKC", text).casefold()
    if "punctuation" in without:
        text = "".join(char for char in text if not unicodedata.category(char).startswith("P"))
    if "space" in without:
        text = _SPACE.sub(" ", text).strip()
    return text


def _list(inputs: Sequence[Placed], path: str | None) -> list[Placed]:
    if len(inputs) != 1:
        raise StageError(
            f"a dedupe stage reads one list, and {len(inputs)} are wired",
            code="wrong_input",
            hint="collect them first",
        )
    whole = inputs[0]
    if path is None and isinstance(whole.value, dict) and isinstance(whole.value.get("items"), list):
        path = "items"
    places = list(taken(whole, steps_of(path)))
    if len(places) != 1 or not isinstance(places[0].value, list):
        raise StageError(
            f"there is no list at {path!r} of {whole.source!r}" if path else f"{whole.source!r} is no list",
            code="wrong_input",
            hint="path: where the list stands in the output",
        )
    if len(places[0].value) > ITEMS_MAX:
        raise too_many("the list")
    return list(places[0].items())


def _key(item: Placed, index: int, options: DedupeOptions) -> str:
    without = frozenset(options.normalize)
    if not options.key:
        return stable_json(normalized(item.value, without))
    fields: list[JsonValue] = [
        [normalized(each.value, without) for each in taken(item, steps_of(path))] for path in options.key
    ]
    if all(value in {None, ""} for field in fields for value in _scalars(field)):
        return f"#{index}"
    return stable_json(fields)


def _scalars(field: JsonValue) -> list[str | None]:
    """The values of a field as texts; None where nothing is known."""
    values = field if isinstance(field, list) else [field]
    return [
        None if value is None else value if isinstance(value, str) else stable_json(value) for value in values
    ]


def _kept(group: Sequence[Placed], keep: str) -> JsonValue:
    if keep == "last":
        return group[-1].value
    return Merging(MergeRules()).merged(group) if keep == "merge" and len(group) > 1 else group[0].value
