"""Spans of OpenTelemetry, where the program has a tracer provider; otherwise nothing, at the cost of a look.

Called around what a worker does with a run, attempts at stages, and model calls. Invariants: only the API is used, so whoever runs Tegu chooses the SDK, the
sampling and where spans go; a span holds ids, names, counts and codes, and content only where TEGU_TRACE_CONTENT allows it;
what it cannot tell it leaves out.
"""

import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import Span

AttributeValue = str | bool | int | float | Sequence[str]
CONTENT_LENGTH_MAX = 20_000
"""Characters of one text in a span, where content may be in spans at all."""
_API = "opentelemetry.trace"
_may_show_content = False


class Told:
    """What is known of a span under way; without a tracer provider it keeps nothing."""

    __slots__ = ("_has_failed", "_span")

    def __init__(self, span: "Span | None" = None) -> None:
        self._span = span
        self._has_failed = False

    @property
    def is_recording(self) -> bool:
        """Whether anybody will see it: what is costly to put together is only then."""
        return self._span is not None and self._span.is_recording()

    def about(self, attributes: Mapping[str, AttributeValue | None]) -> None:
        """More is known now. None is unknown, and left out."""
        if self._span is not None:
            self._span.set_attributes({name: each for name, each in attributes.items() if each is not None})

    def failed(self, code: str, message: str) -> None:
        """It ended badly: `code` is one of ours or the name of an exception, `message` in our words. The first word stays."""
        if self._span is not None and not self._has_failed:
            self._has_failed = True
            from opentelemetry.trace import Status, StatusCode

            self._span.set_attribute("error.type", code)
            self._span.set_status(Status(StatusCode.ERROR, message))


class Begun(Told):
    """A span that is not the present one: `span(within=...)` makes others part of it. It lasts until `end`."""

    __slots__ = ()

    @property
    def is_begun(self) -> bool:
        """Whether there is one, though a sampler may have decided that nobody will see it."""
        return self._span is not None

    def end(self) -> None:
        """It is over. What is told after that is lost."""
        if self._span is not None:
            self._span.end()


_UNTOLD = Told()
_NOT_BEGUN = Begun()


def is_on() -> bool:
    """Whether spans go anywhere: nobody can have set a provider who never imported the API."""
    api = sys.modules.get(_API)
    return api is not None and type(api.get_tracer_provider()) is not api.ProxyTracerProvider


def show_content(*, is_allowed: bool) -> None:
    """Whether spans of this process may hold what models were asked and said."""
    global _may_show_content  # noqa: PLW0603 (the operator's word, for the whole process)
    _may_show_content = is_allowed


def shows_content() -> bool:
    """See `show_content`."""
    return _may_show_content


def begin(name: str, about: Callable[[], Mapping[str, AttributeValue | None]]) -> Begun:
    """A span for what goes on in several tasks; `about` is only asked where somebody will see it."""
    if not is_on():
        return _NOT_BEGUN
    from opentelemetry.context import Context
    from opentelemetry.trace import get_tracer

    known = {key: each for key, each in about().items() if each is not None}
    # A new trace: whatever span is present where work is claimed has nothing to do with this run.
    return Begun(get_tracer("tegu", _version()).start_span(name, Context(), attributes=known))


@contextmanager
def span(
    name: str,
    attributes: Mapping[str, AttributeValue | None],
    *,
    within: Begun = _NOT_BEGUN,
    is_client: bool = False,
) -> Generator[Told]:
    """The present span, for as long as this lasts, part of another or else of the present one. An exception that passes is
    noted by the name of its class alone.
    """
    if not is_on():
        yield _UNTOLD
        return
    from opentelemetry.trace import SpanKind, get_tracer, set_span_in_context

    outer = within._span  # noqa: SLF001 (of this module)
    with get_tracer("tegu", _version()).start_as_current_span(
        name,
        context=None if outer is None else set_span_in_context(outer),
        kind=SpanKind.CLIENT if is_client else SpanKind.INTERNAL,
        attributes={key: each for key, each in attributes.items() if each is not None},
        record_exception=False,  # its text may quote content
        set_status_on_exception=False,
    ) as begun:
        told = Told(begun)
        try:
            yield told
        except BaseException as error:
            told.failed(type(error).__name__, type(error).__name__)
            raise


@cache
def _version() -> str:
    return version("tegu")
