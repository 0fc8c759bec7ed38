"""The builder's method for reviews. Used through `builder.Pipeline`.

Invariant: what a person approves has the type of what they look at; of a text, which is no output, there is no value.
"""

from typing import Any, TypeVar, Unpack, overload

from tegu.domain.content import Content, Document, MailThread
from tegu.pipeline.draft import Draft
from tegu.pipeline.node import Items, Node, Otherwise, SomeItems
from tegu.pipeline.outputs import Reviewed
from tegu.pipeline.outside_options import ReviewOptions, ReviewSettings, apart

OutputT = TypeVar("OutputT")
ReviewedT = TypeVar("ReviewedT")
Text = Node[MailThread] | Node[Document] | Node[Content]


class ReviewStages(Draft):
    """Stages that people decide."""

    @overload
    def review(
        self,
        name: str,
        about: Text | None = None,
        *,
        schema: type[OutputT],
        **options: Unpack[ReviewOptions],
    ) -> Node[Reviewed[OutputT | None]]: ...
    @overload
    def review(
        self,
        name: str,
        about: Text | None = None,
        *,
        schema: type[OutputT],
        when: str | Otherwise,
        **options: Unpack[ReviewOptions],
    ) -> Node[Reviewed[OutputT | None] | None]: ...
    @overload
    def review(
        self,
        name: str,
        about: Text | None = None,
        **options: Unpack[ReviewOptions],
    ) -> Node[Reviewed[None]]: ...
    @overload
    def review(
        self,
        name: str,
        about: Text | None = None,
        *,
        when: str | Otherwise,
        **options: Unpack[ReviewOptions],
    ) -> Node[Reviewed[None] | None]: ...
    @overload
    def review(
        self,
        name: str,
        about: Node[ReviewedT],
        *,
        schema: type[OutputT],
        **options: Unpack[ReviewOptions],
    ) -> Node[Reviewed[ReviewedT | OutputT]]: ...
    @overload
    def review(
        self,
        name: str,
        about: Node[ReviewedT],
        *,
        schema: type[OutputT],
        when: str | Otherwise,
        **options: Unpack[ReviewOptions],
    ) -> Node[Reviewed[ReviewedT | OutputT] | None]: ...
    @overload
    def review(
        self,
        name: str,
        about: Node[ReviewedT],
        **options: Unpack[ReviewOptions],
    ) -> Node[Reviewed[ReviewedT]]: ...
    @overload
    def review(
        self,
        name: str,
        about: Node[ReviewedT],
        *,
        when: str | Otherwise,
        **options: Unpack[ReviewOptions],
    ) -> Node[Reviewed[ReviewedT] | None]: ...
    @overload
    def review(
        self,
        name: str,
        *,
        each: Items[ReviewedT],
        **options: Unpack[ReviewOptions],
    ) -> Node[list[Reviewed[ReviewedT]]]: ...
    @overload
    def review(
        self,
        name: str,
        *,
        each: Items[ReviewedT],
        when: str | Otherwise,
        **options: Unpack[ReviewOptions],
    ) -> Node[list[Reviewed[ReviewedT] | None]]: ...
    @overload
    def review(
        self,
        name: str,
        *,
        each: SomeItems[ReviewedT],
        when: str | Otherwise = ...,
        **options: Unpack[ReviewOptions],
    ) -> Node[list[Reviewed[ReviewedT] | None]]: ...
    def review(
        self,
        name: str,
        about: Node[Any] | None = None,
        *,
        schema: object = None,
        **options: Any,
    ) -> Node[Any]:
        """A person approves, rejects or corrects what a stage put out, or each item; without `about`, they look at the source,
        and `schema` is what they may fill in.
        """
        settings = apart(options, ReviewSettings)
        settings |= self._config(name, settings.pop("instructions", None), schema)
        looked_at = [about] if about is not None else [] if options.get("each") is not None else None
        return self._add(name, "review", settings, looked_at, options)
