"""The builder's methods for the kinds that cut and gather data and ask no model. Used through `builder.Pipeline`.

Invariant: as in `kind_stages`, each says with its type what the kind puts out.
"""

from collections.abc import Sequence
from typing import Any, Literal, Unpack, overload

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.pipeline.draft import Draft
from tegu.pipeline.node import Node
from tegu.pipeline.outputs import Chunks, Collected, Deduped, Merged
from tegu.pipeline.stage_options import AnyOptions, ConditionalOptions, StageOptions

By = Literal["paragraphs", "characters", "pages", "messages", "sections", "separator"]
Ignored = Literal["case", "space", "punctuation", "accents"]


class DataStages(Draft):
    """Stages that need no model."""

    @overload
    def split(
        self,
        name: str,
        *,
        by: By = "paragraphs",
        size: int | None = None,
        overlap: int | None = None,
        separator: str | None = None,
        chunks_max: int | None = None,
        text: Node[Any] | None = None,
        **options: Unpack[StageOptions],
    ) -> Node[Chunks]: ...
    @overload
    def split(
        self,
        name: str,
        *,
        by: By = "paragraphs",
        size: int | None = None,
        overlap: int | None = None,
        separator: str | None = None,
        chunks_max: int | None = None,
        text: Node[Any] | None = None,
        **options: Unpack[ConditionalOptions],
    ) -> Node[Chunks | None]: ...
    def split(
        self,
        name: str,
        *,
        by: By = "paragraphs",
        size: int | None = None,
        overlap: int | None = None,
        separator: str | None = None,
        chunks_max: int | None = None,
        text: Node[Any] | None = None,
        **options: Unpack[AnyOptions],
    ) -> Node[Any]:
        """A text in chunks that say where they stand: `text`, or what the run is about."""
        config = _said(by=by, size=size, overlap=overlap, separator=separator, chunks_max=chunks_max)
        return self._add(name, "split", config, None if text is None else [text], options)

    @overload
    def collect(
        self,
        name: str,
        inputs: Sequence[Node[Any]],
        *,
        form: Literal["list"] = "list",
        take: str | None = None,
        flatten: bool | None = None,
        drop_nulls: bool | None = None,
        **options: Unpack[StageOptions],
    ) -> Node[Collected]: ...
    @overload
    def collect(
        self,
        name: str,
        inputs: Sequence[Node[Any]],
        *,
        form: Literal["object"],
        take: str | None = None,
        drop_nulls: bool | None = None,
        **options: Unpack[StageOptions],
    ) -> Node[JsonObject]: ...
    @overload
    def collect(
        self,
        name: str,
        inputs: Sequence[Node[Any]],
        *,
        form: Literal["list"] = "list",
        take: str | None = None,
        flatten: bool | None = None,
        drop_nulls: bool | None = None,
        **options: Unpack[ConditionalOptions],
    ) -> Node[Collected | None]: ...
    def collect(
        self,
        name: str,
        inputs: Sequence[Node[Any]],
        *,
        form: Literal["list", "object"] = "list",
        take: str | None = None,
        flatten: bool | None = None,
        drop_nulls: bool | None = None,
        **options: Unpack[AnyOptions],
    ) -> Node[Any]:
        """Outputs of several stages, or of the items of one, as one list or object."""
        config = _said(form=form, take=take, flatten=flatten, drop_nulls=drop_nulls)
        return self._add(name, "collect", config, inputs, options)

    @overload
    def merge(
        self,
        name: str,
        inputs: Sequence[Node[Any]],
        *,
        prefer: Literal["first", "last"] = "first",
        lists: Literal["union", "choose"] = "union",
        take: str | None = None,
        **options: Unpack[StageOptions],
    ) -> Node[Merged]: ...
    @overload
    def merge(
        self,
        name: str,
        inputs: Sequence[Node[Any]],
        *,
        prefer: Literal["first", "last"] = "first",
        lists: Literal["union", "choose"] = "union",
        take: str | None = None,
        **options: Unpack[ConditionalOptions],
    ) -> Node[Merged | None]: ...
    def merge(
        self,
        name: str,
        inputs: Sequence[Node[Any]],
        *,
        prefer: Literal["first", "last"] = "first",
        lists: Literal["union", "choose"] = "union",
        take: str | None = None,
        **options: Unpack[AnyOptions],
    ) -> Node[Any]:
        """Objects that speak of one thing, as one, with what they disagree about."""
        return self._add(name, "merge", _said(prefer=prefer, lists=lists, take=take), inputs, options)

    @overload
    def dedupe(
        self,
        name: str,
        items: Node[Any],
        *,
        path: str | None = None,
        key: Sequence[str] = (),
        normalize: Sequence[Ignored] = (),
        keep: Literal["first", "last", "merge"] = "first",
        **options: Unpack[StageOptions],
    ) -> Node[Deduped]: ...
    @overload
    def dedupe(
        self,
        name: str,
        items: Node[Any],
        *,
        path: str | None = None,
        key: Sequence[str] = (),
        normalize: Sequence[Ignored] = (),
        keep: Literal["first", "last", "merge"] = "first",
        **options: Unpack[ConditionalOptions],
    ) -> Node[Deduped | None]: ...
    def dedupe(
        self,
        name: str,
        items: Node[Any],
        *,
        path: str | None = None,
        key: Sequence[str] = (),
        normalize: Sequence[Ignored] = (),
        keep: Literal["first", "last", "merge"] = "first",
        **options: Unpack[AnyOptions],
    ) -> Node[Any]:
        """A list without what is in it twice."""
        config = _said(path=path, key=[*key] or None, normalize=[*normalize] or None, keep=keep)
        return self._add(name, "dedupe", config, [items], options)


_DEFAULTS: JsonObject = {
    "by": "paragraphs",
    "form": "list",
    "prefer": "first",
    "lists": "union",
    "keep": "first",
}


def _said(**settings: JsonValue) -> JsonObject:
    """Without what is default anyway, so that a document that says less has the same hash."""
    return {
        name: value for name, value in settings.items() if value is not None and _DEFAULTS.get(name) != value
    }
