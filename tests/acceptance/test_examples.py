"""The two example host applications, as their users use them."""

import ast
import asyncio
import importlib.util
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from thread_of_mails import MAILBOX

import tegu
from tegu.storage.database import DatabaseAddress

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
INVOICE = b"INVOICE\nInvoice number: INV-77\nDate: 2026-03-01\nTotal: EUR 12.00\n"
ACME, GLOBEX = {"X-Tenant": "acme"}, {"X-Tenant": "globex"}


@asynccontextmanager
async def serving(name: str, address: DatabaseAddress) -> AsyncGenerator[httpx.AsyncClient]:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app: FastAPI = module.create_app(address.owner, model="rules")
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://host") as http,
    ):
        yield http


async def until(
    http: httpx.AsyncClient, path: str, condition: Callable[[Any], bool], headers: dict[str, str]
) -> Any:
    async with asyncio.timeout(60):
        while not condition(found := (await http.get(path, headers=headers)).json()):
            await asyncio.sleep(0.1)
    return found


async def test_a_mail_becomes_a_ticket_and_its_outcome_is_written_back(address: DatabaseAddress) -> None:
    async with serving("mail_app", address) as http:
        answer = await http.post("/mails", content=MAILBOX, headers=ACME)
        assert answer.status_code == 202, answer.text
        (ticket,) = answer.json()["tickets"]
        path = f"/tickets/{ticket}"
        found = await until(http, path, lambda t: t["status"] != "reading", ACME)
        assert (found["status"], found["category"]) == ("read", "support")
        assert found["summary"]
        assert (await http.get(path, headers=GLOBEX)).status_code == 404
        assert (await http.get("/tegu/health")).json()["status"] == "ok"


async def test_what_is_no_mail_leaves_neither_ticket_nor_content(address: DatabaseAddress) -> None:
    async with serving("mail_app", address) as http:
        for data in (b"", b"PK\x03\x04 a zip", b"Just a note."):
            assert (await http.post("/mails", content=data, headers=ACME)).status_code == 422
    connection = await asyncpg.connect(address.owner)
    try:
        counts = [
            await connection.fetchval(f"select count(*) from {table}")
            for table in ("mail_app.tickets", "tegu.contents", "tegu.runs")
        ]
    finally:
        await connection.close()
    assert counts == [0, 0, 0]


async def test_a_document_becomes_fields_with_quotes_that_a_person_reviews(address: DatabaseAddress) -> None:
    async with serving("document_app", address) as http:
        answer = await http.post("/documents", params={"name": "invoice.txt"}, content=INVOICE, headers=ACME)
        assert answer.status_code == 202, answer.text
        path = f"/documents/{answer.json()['id']}"
        found = await until(http, path, lambda d: d["status"] == "completed", ACME)
        fields = {field["name"]: field for field in found["fields"]}
        assert fields["number"]["value"] == "INV-77"
        assert fields["number"]["quote"] in INVOICE.decode()
        assert not fields["number"]["needs_review"]
        reviewed = await http.put(f"{path}/review", json={"values": {"total": 12.5}}, headers=ACME)
        assert (reviewed.json()["status"], reviewed.json()["reviewed"]) == ("reviewed", {"total": 12.5})
        listed = (await http.get("/documents", headers=ACME)).json()
        assert [(d["name"], d["status"]) for d in listed] == [("invoice.txt", "reviewed")]
        assert (await http.get("/documents", headers=GLOBEX)).json() == []
        assert (await http.put(f"{path}/review", json={"values": {}}, headers=GLOBEX)).status_code == 404


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.py")), ids=lambda path: path.parent.name)
def test_the_examples_use_the_public_face_only(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tegu":
            assert node.module == "tegu"
            assert {alias.name for alias in node.names} <= set(tegu.__all__)
        if isinstance(node, ast.Import):
            assert not [alias.name for alias in node.names if alias.name.startswith("tegu")]
        assert not (isinstance(node, ast.Attribute) and node.attr.startswith("_"))
    assert len(path.read_text("utf-8").splitlines()) <= 170
