"""The commands that show something: tables for people, one JSON document for programs."""

from pathlib import Path

import asyncpg
from command_line import tegu

from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import INVARIANTS


async def test_doctor_finds_nothing_wrong_with_a_migrated_database(
    process_environment: dict[str, str],
) -> None:
    ended = await tegu(process_environment, "doctor", "--json")
    checks = {check["name"]: check for check in ended.json["checks"]}
    assert ended.code == 0
    assert ended.json["ok"] is True
    assert checks["row security"]["verdict"] == "ok"
    assert "tegu_app, tegu_engine" in checks["roles"]["detail"]
    assert checks["schema"]["detail"].startswith("revision ")
    every = len(INVARIANTS) + 1  # that of deleted organizations is made from the catalog of tables
    assert checks["invariants"]["detail"] == f"{every} of {every} hold"


async def test_doctor_shows_the_rows_that_break_an_invariant(
    address: DatabaseAddress, process_environment: dict[str, str]
) -> None:
    connection = await asyncpg.connect(address.owner)
    try:
        stuck = await connection.fetchval(
            "insert into tegu.runs (organization_id, id, pipeline_id, version_id, content_id, status, due_at) values"
            " (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),"
            " 'running', null) returning id"
        )
    finally:
        await connection.close()
    ended = await tegu(process_environment, "doctor")
    shown = " ".join(ended.out.split())
    assert ended.code == 1
    assert f"run {stuck} is running, but nobody owns it and nobody will take it" in shown
    written = await tegu(process_environment, "doctor", "--json", "--rows", "1")
    checks = {check["name"]: check for check in written.json["checks"]}
    assert (written.code, written.json["ok"]) == (1, False)
    assert [row["run_id"] for row in checks["nothing is stuck"]["rows"]] == [str(stuck)]


async def test_doctor_says_that_the_database_is_not_there(process_environment: dict[str, str]) -> None:
    nowhere = {"DATABASE_URL": "postgresql://127.0.0.1:9/tegu"}
    ended = await tegu(process_environment | nowhere, "doctor")
    assert ended.code == 5
    assert "cannot be reached" in ended.out


async def test_doctor_sees_a_role_that_passes_row_security_by(
    address: DatabaseAddress, process_environment: dict[str, str]
) -> None:
    ended = await tegu(process_environment | {"TEGU_APP_DATABASE_URL": address.owner}, "doctor", "--json")
    checks = {check["name"]: check for check in ended.json["checks"]}
    assert ended.code == 1
    assert checks["roles"]["verdict"] == "failed"


async def test_pipelines_are_listed_and_shown_as_documents_that_run_again(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    listed = (await tegu(process_environment, "pipelines", "list", "--json")).json["pipelines"]
    assert [version["name"] for version in listed] == ["document_extraction", "email_analysis"]
    shown = await tegu(process_environment, "pipelines", "show", "email_analysis")
    (tmp_path / "mine.yaml").write_text(shown.out)
    checked = await tegu(process_environment, "check", tmp_path / "mine.yaml", "--json")
    assert checked.code == 0
    assert checked.json["hash"] == listed[1]["hash"]


async def test_models_have_prices_or_say_that_they_are_unknown() -> None:
    found = (await tegu({}, "models", "--all", "--json")).json["models"]
    assert found[0]["provider"] == "rules"
    assert any(model["provider"] == "anthropic" and model["input_usd_per_million"] for model in found)
    keys = (await tegu({"OPENAI_API_KEY": "sk-test"}, "models", "--keys", "--json")).json["providers"]
    assert keys["openai"] is True
    assert keys["anthropic"] is False


async def test_the_schema_of_the_format_needs_no_database() -> None:
    schema = (await tegu({}, "check", "--schema")).json
    assert {"tegu", "name", "input", "stages"} <= schema["properties"].keys()


async def test_a_model_is_tried_without_a_run(process_environment: dict[str, str]) -> None:
    ended = await tegu(
        process_environment, "llm", "try", "rules", "Please refund EUR 5.00. Thank you.", "--json"
    )
    assert ended.code == 0, ended.err
    assert ended.json["is_rule_based"] is True
    (item,) = (await tegu(process_environment, "calls", "--json")).json["calls"]
    assert item["call"]["run_id"] is None
    assert item["call"]["id"] == ended.json["call_id"]


async def test_migrate_says_where_it_came_from(process_environment: dict[str, str]) -> None:
    ended = await tegu(process_environment, "migrate", "--json")
    assert ended.json["before"] == ended.json["after"]
