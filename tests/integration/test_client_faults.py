"""The client against a service that fails in passing, over real HTTP."""

from uuid import UUID

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from served_api import served
from tegu.client.patience import Patience
from tegu.client.service import TeguClient
from tegu.domain.errors import QuotaError, StorageUnavailableError, TeguError, UnreachableError
from tegu.domain.ids import new_id
from tegu.interfaces.http.problems import error_response

QUICK = Patience(first_wait_s=0.01)
RUN_ID = new_id()
BUSY = error_response(StorageUnavailableError("the database is not there"))
FULL = error_response(QuotaError("too fast", retry_after_s=0.0, code="rate_limited"))


class Flaky:
    """Answers as it is told, then well; it keeps what it was asked."""

    def __init__(self, *first: Response) -> None:
        self.first = list(first)
        self.asked: list[Request] = []

    async def answer(self, request: Request) -> Response:
        self.asked.append(request)
        if self.first:
            return self.first.pop(0)
        return JSONResponse(
            {"run_ids": [str(RUN_ID)], "items": [], "run_id": str(RUN_ID), "status": "running"}
        )

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/api/{rest:path}", self.answer, methods=["GET", "POST"])])


async def test_a_start_is_repeated_with_the_key_that_it_had() -> None:
    flaky = Flaky(BUSY, FULL)
    async with served(flaky.app()) as url, TeguClient(url, "tegu_key", patience=QUICK) as client:
        started = await client.runs.start(pipeline="note", content_ids=[RUN_ID])
    assert started.run_ids == (RUN_ID,)
    keys = [request.headers["idempotency-key"] for request in flaky.asked]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert UUID(keys[0])
    assert {request.headers["authorization"] for request in flaky.asked} == {"Bearer tegu_key"}


async def test_what_may_have_been_done_is_not_asked_for_twice() -> None:
    flaky = Flaky(BUSY)
    async with served(flaky.app()) as url, TeguClient(url, patience=QUICK) as client:
        with pytest.raises(StorageUnavailableError):
            await client.runs.cancel(RUN_ID)
    assert len(flaky.asked) == 1


async def test_the_tries_have_an_end() -> None:
    flaky = Flaky(*[BUSY] * 10)
    async with served(flaky.app()) as url, TeguClient(url, patience=QUICK) as client:
        with pytest.raises(StorageUnavailableError):
            await client.runs.list()
    assert len(flaky.asked) == QUICK.tries_max


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Response("<html>a proxy</html>", 502), UnreachableError),
        (Response(status_code=307, headers={"location": "http://127.0.0.1:1/"}), UnreachableError),
        (Response("not what was asked for"), TeguError),
    ],
)
async def test_what_is_no_answer_of_a_service_is_an_error_in_words(
    answer: Response, kind: type[TeguError]
) -> None:
    flaky = Flaky(*[answer] * 10)
    async with served(flaky.app()) as url, TeguClient(url, "tegu_key", patience=QUICK) as client:
        with pytest.raises(kind) as caught:
            await client.runs.list()
    assert caught.value.hint


async def test_nobody_there_is_unreachable_and_quick() -> None:
    async with TeguClient("http://127.0.0.1:9", patience=QUICK) as client:
        with pytest.raises(UnreachableError, match="does not answer") as caught:
            await client.runs.list()
    assert not caught.value.was_sent
