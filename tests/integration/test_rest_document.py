"""The OpenAPI document, what it promises to those who generate a client from it, and lists as CSV."""

import csv
import io
import re
from typing import Any

import pytest
from http_lab import Lab

from tegu.actions.registry import ACTIONS
from tegu.interfaces.http.api import api
from tegu.interfaces.http.csv_rows import cell, columns_of
from tegu.interfaces.http.examples import EXAMPLES

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Json:
    async def nobody(request: object) -> Any:
        raise AssertionError(request)

    return api(nobody).openapi()


def _operations(document: Json) -> list[tuple[str, str, Json]]:
    return [
        (path, method, each)
        for path, item in document["paths"].items()
        for method, each in item.items()
        if method in {"get", "post", "put", "patch", "delete", "head", "options"}
    ]


def test_every_action_is_an_operation_with_its_permission_a_sentence_and_a_tag(document: Json) -> None:
    operations = {each["operationId"]: each for _, _, each in _operations(document)}
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    for name, action in ACTIONS.items():
        operation = operations[name.replace(".", "_")]
        assert operation["x-permission"] == action.permission.value
        assert operation["summary"].endswith(".")
        assert tags[operation["tags"][0]]


def test_every_reference_leads_somewhere_and_names_are_words(document: Json) -> None:
    for reference in set(re.findall(r"'\$ref': '(#[^']+)'", str(document))):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
    assert all(re.fullmatch(r"[A-Z][A-Za-z0-9]*", name) for name in document["components"]["schemas"])


def test_an_operation_names_the_statuses_that_it_can_give_and_no_other(document: Json) -> None:
    for path, method, operation in _operations(document):
        statuses = set(operation["responses"])
        if path.startswith("/uploads") or path == "/events":
            continue  # protocols of their own
        assert {"401", "403", "422", "429", "503"} <= statuses
        assert not {"500", "default"} & statuses
        has_body = "requestBody" in operation
        assert ({"413", "415"} <= statuses) == has_body, path
        has_tag = not path.endswith("/export/data")  # made anew each time
        assert ("304" in statuses) == (method == "get" and has_tag), path
        assert ("412" in statuses) == any("IfMatch" in str(each) for each in operation["parameters"]), path


def test_what_an_answer_always_has_is_required_and_error_codes_are_listed(document: Json) -> None:
    schemas = document["components"]["schemas"]
    assert set(schemas["Run"]["required"]) == set(schemas["Run"]["properties"])
    assert "default" not in str(schemas["Run"])
    assert schemas["StartRuns"]["required"] == ["pipeline"]
    assert {"not_found", "changed", "quota"} <= set(schemas["ErrorCode"]["enum"])
    assert schemas["RunPage"]["properties"]["items"]["items"] == {"$ref": "#/components/schemas/Run"}


def test_examples_are_taken_by_their_actions() -> None:
    assert EXAMPLES
    for name, example in EXAMPLES.items():
        taken = ACTIONS[name].input.model_validate(example)
        assert taken.model_fields_set == example.keys(), name


async def test_a_list_is_had_as_csv_with_every_row_and_without_formulas(rest: Lab) -> None:
    _, client = rest
    for number in range(3):
        body: Json = {"text": f"Note {number}", "name": f'=HYPERLINK("x{number}")', "metadata": {"n": number}}
        assert (await client.post("/contents", json=body)).status_code == 201
    for answer in (
        await client.get("/contents", params={"format": "csv", "limit": 1}),
        await client.get("/contents", headers={"accept": "text/csv"}),
    ):
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"] == 'attachment; filename="contents.csv"'
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["name"] for row in rows] == [f'\'=HYPERLINK("x{number}")' for number in (2, 1, 0)]
        assert [row["metadata"] for row in rows] == [f'{{"n":{number}}}' for number in (2, 1, 0)]
    refused = await client.get("/contents", params={"format": "csv", "cursor": "nonsense"})
    assert refused.status_code == 422
    assert (await client.get("/contents", params={"format": "xml"})).status_code == 422


def test_columns_of_runs_are_flat_and_what_has_no_shape_is_one_of_json() -> None:
    names = [name for name, _ in columns_of(ACTIONS["runs.list"])]
    assert {"id", "status", "totals.cost_usd", "error.code", "metadata"} <= set(names)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+41 44", "'+41 44"),
        ("-5.20", "-5.20"),
        ("-5.20 EUR", "'-5.20 EUR"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\uff1d1", "'\uff1d1"),
        ("a;=HYPERLINK(1)", "a;'=HYPERLINK(1)"),
        ("a\n=1+1", "a\n'=1+1"),
        ("a; \u200b@SUM(A1)", "a; \u200b'@SUM(A1)"),
        (" =1", "' =1"),
        ("\u200b=1", "'\u200b=1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("\u202e=1", "'\u202e=1"),
        ("a;b = c", "a;b = c"),
        (None, ""),
        (True, "true"),
        (1.5, "1.5"),
        ({"a": ["=1"]}, '{"a":["=1"]}'),
    ],
)
def test_no_cell_is_a_formula(value: Any, shown: str) -> None:
    assert cell(value) == shown


async def test_the_reference_for_people_runs_nothing_loads_nothing_and_leads_nowhere_else(rest: Lab) -> None:
    _, client = rest
    answer = await client.get("/docs")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.findall(r"<script|<link|src=|href=\"?http| on\w+=", answer.text)
    anchors = set(re.findall(r'id="?([\w-]+)', answer.text))
    assert set(re.findall(r'href="#([^"]+)"', answer.text)) <= anchors
    for name in ACTIONS:
        assert name.replace(".", "_") in anchors
