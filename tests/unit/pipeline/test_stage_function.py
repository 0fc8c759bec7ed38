import inspect
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from tegu.domain.content import Content, Document, InputKind, MailThread
from tegu.domain.errors import UsageError
from tegu.pipeline.function import AnyStageContext, stage, stage_metadata
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.outputs import Classification


class Context(AnyStageContext):
    """Stands where the context of the stages room stands."""


class Refund(BaseModel):
    amount: str


@stage(version=3, retries=5, timeout_s=90)
async def refund_request(thread: MailThread, route: Classification | None, ctx: Context) -> Refund:
    """Read the refund."""
    return Refund(amount=thread.subject)


def test_the_function_stays_the_plain_function() -> None:
    assert inspect.iscoroutinefunction(refund_request)
    assert refund_request.__name__ == "refund_request"


async def test_the_function_can_be_called_in_a_test() -> None:
    assert await refund_request(MailThread("12.50", ()), None, Context()) == Refund(amount="12.50")


def test_its_metadata_is_read_from_the_annotations() -> None:
    found = stage_metadata(refund_request)
    assert (found.key, found.retries, found.timeout_s) == ("refund_request@3", 5, 90.0)
    assert found.input_names == ("thread", "route")
    assert found.input_types == (MailThread, Classification | None)
    assert found.output_type is Refund
    assert found.description == "Read the refund."
    assert found.is_async


def test_its_contract_says_what_may_be_wired_to_it() -> None:
    contract = stage_metadata(refund_request).contract()
    thread, route = contract.inputs
    assert (thread.sources, thread.schema, thread.is_optional) == ({InputKind.MAIL_THREAD}, None, False)
    assert (route.sources, route.schema, route.is_optional) == (frozenset(), schema_of(Classification), True)
    assert route.type_name == "Classification"
    assert contract.output == schema_of(Refund)


def test_texts_documents_and_contents_have_their_sources() -> None:
    @stage(version=1)
    def plain(text: str, document: Document, content: Content, ctx: Context) -> list[str]:
        return [text, document.text, str(content.name)]

    text, document, content = stage_metadata(plain).contract().inputs
    assert text.sources == set(InputKind)
    assert document.sources == content.sources == {InputKind.CONTENT}
    assert content.schema is None
    assert not stage_metadata(plain).is_async


def annotated(**annotations: Any) -> Callable[..., Any]:
    """A function of (given, ctx) with these annotations, as `from __future__ import annotations` leaves them."""

    async def written_as_text(given: Any, ctx: Any) -> Any:
        return given

    written_as_text.__annotations__ = annotations
    return written_as_text


def test_the_context_may_be_known_to_type_checkers_only() -> None:
    function = annotated(given="MailThread", ctx="NowhereAtRunTime", **{"return": "Refund"})
    found = stage_metadata(stage(version=1)(function))
    assert (found.input_types, found.output_type) == ((MailThread,), Refund)


def test_a_type_that_cannot_be_found_is_refused_in_one_sentence() -> None:
    with pytest.raises(UsageError, match="NowhereAtRunTime"):
        stage(version=1)(annotated(given="NowhereAtRunTime", **{"return": "Refund"}))


def test_what_has_no_types_or_no_context_is_refused() -> None:
    async def no_context() -> str:
        return ""

    with pytest.raises(UsageError, match="takes nothing"):
        stage(version=1)(no_context)
    with pytest.raises(UsageError, match="type of given, return"):
        stage(version=1)(annotated())


@pytest.mark.parametrize(
    ("version", "retries", "timeout_s", "name"),
    [
        (0, 1, 1, "a"),
        (1, 21, 1, "a"),
        (1, -1, 1, "a"),
        (1, 1, 0, "a"),
        (1, 1, float("inf"), "a"),
        (1, 1, 1, "A b"),
    ],
)
def test_limits_and_names_out_of_range_are_refused(
    version: int, retries: int, timeout_s: float, name: str
) -> None:
    async def plain(text: str, ctx: Context) -> str:
        return text

    with pytest.raises(UsageError):
        stage(version=version, retries=retries, timeout_s=timeout_s, name=name)(plain)


def test_a_function_that_is_no_stage_is_named() -> None:
    with pytest.raises(UsageError, match="'len' is not a stage"):
        stage_metadata(len)
