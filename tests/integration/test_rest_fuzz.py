"""The REST interface is asked what its OpenAPI document allows, and what it does not: nothing that is asked breaks it, and every
answer is one that the document names, of the shape that it gives.

A few hundred cases in `make test`, 10,000 in `make fuzz` (TEGU_FUZZ_CASES). The seed is told when it fails, and had again with
TEGU_FUZZ_SEED; TEGU_FUZZ_ONLY=runs_list,runs_get asks these operations alone.
"""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from random import SystemRandom
from typing import Any, cast

import http_lab
import pytest
import requests
import schemathesis
import service_lab
from http_lab import SECRET_KEYS
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis import checks as any_checks
from schemathesis.specs.openapi import checks as openapi_checks

from tegu.actions.registry import ACTIONS
from tegu.app import Tegu
from tegu.domain.actor import Actor, ActorKind, Role
from tegu.domain.ids import new_id
from tegu.interfaces.http.examples import EXAMPLES
from tegu.interfaces.http.routes import Route
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.members import add_member

Serve = Callable[[Tegu], AbstractAsyncContextManager[str]]

CASES = int(os.environ.get("TEGU_FUZZ_CASES", "500"))
SEED = int(os.environ.get("TEGU_FUZZ_SEED") or SystemRandom().randrange(2**32))
ONLY = tuple(filter(None, os.environ.get("TEGU_FUZZ_ONLY", "").split(",")))
CHECKS: list[Any] = [
    cast("Any", any_checks).not_a_server_error,
    *(
        getattr(openapi_checks, name)
        for name in (
            "status_code_conformance",
            "content_type_conformance",
            "response_headers_conformance",
            "response_schema_conformance",
        )
    ),
]
TEXT = "From: anna@example.com\nSubject: Refund\n\nPlease refund EUR 10.00 for order 4711. Thank you.\n"


@schemathesis.serializer("application/offset+octet-stream")
def _as_it_is(ctx: schemathesis.SerializationContext, value: Any) -> Any:
    del ctx
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@asynccontextmanager
async def _whole(tegu: Tegu) -> AsyncGenerator[str]:
    """The service with all its middleware, asked by an owner whom the host names."""
    async with service_lab.serving(tegu) as served:
        yield served.url


@asynccontextmanager
async def _as_operator(tegu: Tegu) -> AsyncGenerator[str]:
    """REST alone, asked by a person who may do whatever there is."""
    async with http_lab.serving(tegu) as (served, _):
        scope = await tegu.scope()
        async with scope.transaction() as connection:
            person = await add_member(connection, scope.organization_id, "anna@example.com", Role.OWNER)
        who = Actor(scope.organization_id, ActorKind.USER, Role.OWNER, person.id, "anna", session_id=new_id())
        served.actor = replace(who, is_operator=True)
        yield served.url


@contextmanager
def served_apart(address: DatabaseAddress, home: Path, serve: Serve) -> Generator[str]:
    """The URL of a service in a thread: what asks it here is not async."""
    settings = Settings(
        home=home, database_url=address.owner, model="rules", secret_keys=SECRET_KEYS, requests_per_s=1e6
    )
    started, ended = threading.Event(), threading.Event()
    urls: list[str] = []

    async def live() -> None:
        credentials = EnvironmentCredentials({})
        async with Tegu(settings=settings, credentials=credentials) as tegu, serve(tegu) as url:
            run = await tegu.run("email_analysis", TEXT.encode())
            await tegu.drive([run.id])
            urls.append(f"{url}/api")
            started.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    try:
        assert started.wait(60)
        yield urls[0]
    finally:
        ended.set()
        thread.join()


def _known(session: requests.Session, url: str, document: dict[str, Any]) -> dict[str, list[str]]:
    """Ids that are there, by the name of the path parameter that takes them."""
    found: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for operation in item.values():
            for parameter in operation.get("parameters", ()):
                listed = path.partition("/{")[0]
                if parameter.get("in") != "path" or "get" not in document["paths"].get(listed, {}):
                    continue
                answer = session.get(f"{url}{listed}")
                rows: list[Any] = answer.json().get("items", []) if answer.status_code == 200 else []
                found[parameter["name"]] = [row["id"] for row in rows if "id" in row]
    return found


def _streams(operation: dict[str, Any]) -> bool:
    """Whether an answer may never end."""
    return any("text/event-stream" in each.get("content", {}) for each in operation["responses"].values())


@pytest.mark.timeout(3600 if CASES > 500 else 300)
@pytest.mark.parametrize("serve", [_whole, _as_operator])
def test_no_request_breaks_it_or_is_answered_otherwise_than_documented(
    address: DatabaseAddress, tmp_path: Path, serve: Serve
) -> None:
    with served_apart(address, tmp_path, serve) as url, requests.Session() as session:
        session.headers.update({"x-user": "default/anna/owner", "sec-fetch-site": "same-origin"})
        for name, example in EXAMPLES.items():  # so that there is something to be found
            assert session.post(f"{url}{Route(ACTIONS[name]).path}", json=example).status_code < 500, name
        document = session.get(f"{url}/openapi.json").json()
        known = _known(session, url, document)
        schema: Any = schemathesis.openapi.from_dict(document)
        operations: list[Any] = [found.ok() for found in schema.get_all_operations()]
        asked = [
            (each, mode)
            for each in operations
            if not _streams(each.definition.raw) and (not ONLY or each.definition.raw["operationId"] in ONLY)
            for mode in GenerationMode
        ]
        failures: list[str] = []
        for index, (operation, mode) in enumerate(asked):
            share = CASES // 2 // len(asked) + (index < CASES // 2 % len(asked))
            try:
                _ask(operation, mode, max(1, share), session, url, known)
            except BaseException as failure:  # noqa: BLE001 (all that is wrong is told at once)
                failures.append(f"{operation.label} ({mode.value}): {_told(failure)}")
        assert not failures, f"TEGU_FUZZ_SEED={SEED}\n" + "\n\n".join(failures)


def _told(failure: BaseException) -> str:
    """What is wrong in a few lines, and how to ask it again."""
    text = str(failure)
    curl = text.rpartition("Reproduce with")[2]
    found = getattr(failure, "exceptions", (failure,))
    said = "; ".join(f"{type(each).__name__} {str(each)[:500]}" for each in found)
    return f"{said}\n{curl[:1500]}"


def _ask(
    operation: Any,
    mode: GenerationMode,
    cases: int,
    session: requests.Session,
    url: str,
    known: dict[str, list[str]],
) -> None:
    @seed(SEED)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(case=operation.as_strategy(mode), pick=st.integers(0, 5))
    def ask(case: Any, pick: int) -> None:
        for name, value in dict(case.path_parameters or {}).items():
            ids = known.get(name, [])
            case.path_parameters[name] = ids[pick] if pick < len(ids) else value
        if case.operation.path == "/contents" and case.media_type == "application/json" and pick:
            case.query = dict[str, Any]()  # which is of files
        query: dict[str, Any] = case.query or {}
        if "timeout_s" in query:
            query["timeout_s"] = 0
        response = case.call(base_url=url, session=session, timeout=60)
        case.validate_response(response, checks=CHECKS)

    ask()
