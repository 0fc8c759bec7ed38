"""`tegu` against a service over HTTP: the same commands, with nothing of the database in their environment."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from command_line import Ended, begin, end, tegu

from served_api import key_to, served_api
from tegu.app import Tegu
from tegu.domain.actor import Role
from tegu.domain.json import JsonObject
from tegu.interfaces.cli.local_service import LocalService
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress

NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "model": "rules",
    "stages": {"summary": {"uses": "summarize"}},
}


@dataclass(frozen=True, slots=True)
class Served:
    url: str
    owner: str
    viewer: str
    tegu: Tegu


@pytest.fixture
async def served(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Served]:
    """A service with a worker, and keys to it."""
    settings = Settings(home=tmp_path / "service", database_url=address.owner, model="rules")
    opened = Tegu(settings=settings, credentials=EnvironmentCredentials({}))
    async with opened.lifespan(worker=True), served_api(opened) as url:
        yield Served(url, await key_to(opened), await key_to(opened, Role.VIEWER), opened)


@pytest.fixture
def environment(process_environment: dict[str, str], served: Served) -> dict[str, str]:
    """What a machine knows that has no database."""
    hidden = ("DATABASE_URL", "TEGU_APP_DATABASE_URL", "TEGU_ENGINE_DATABASE_URL")
    kept = {name: value for name, value in process_environment.items() if name not in hidden}
    return kept | {"TEGU_URL": served.url, "TEGU_API_KEY": served.owner}


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.txt"
    path.write_text("Please refund EUR 10.00.", "utf-8")
    return path


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    path = tmp_path / "note.json"
    path.write_text(json.dumps(NOTE), "utf-8")
    return path


async def test_a_run_of_the_service_is_shown_as_one_that_is_driven_here(
    environment: dict[str, str], note: Path, pipeline: Path
) -> None:
    ended = await tegu(environment, "run", pipeline, note, "--json")
    (each,) = ended.json["runs"]
    assert (ended.code, each["name"], each["run"]["status"]) == (0, "note.txt", "completed")
    run_id = each["run"]["id"]
    followed = await tegu(environment, "run", "note", note)
    assert followed.code == 0
    assert "run completed" in followed.err
    assert "completed" in followed.out
    shown = await tegu(environment, "runs", "show", run_id)
    assert "summary" in shown.out
    listed = await tegu(environment, "runs", "--json")
    assert run_id in {run["id"] for run in listed.json["runs"]}
    calls = await tegu(environment, "calls", run_id, "--json")
    assert [item["call"]["stage"] for item in calls.json["calls"]] == ["summary"]
    results = await tegu(environment, "results", run_id, "--json")
    assert [result["type"] for result in results.json["results"]] == ["summary"]


async def test_derived_commands_do_the_same_here_and_there(
    environment: dict[str, str], process_environment: dict[str, str], note: Path
) -> None:
    (stored,) = (await tegu(environment, "ingest", note, "--json")).json["ingested"]
    content_id = stored["content"]["id"]
    for arguments in (
        ("contents", "get", content_id, "--json"),
        ("contents", "text", content_id, "--json"),
        ("contents", "list", "--source-type", "file", "--all", "--json"),
        ("pipeline-versions", "list", "--limit", "1", "--json"),
    ):
        there = await tegu(environment, *arguments)
        here = await tegu(process_environment, *arguments)
        assert (there.code, here.code) == (0, 0)
        assert there.json == here.json
    assert "note.txt" in (await tegu(environment, "contents", "list")).out


async def test_started_runs_are_waited_for_by_id(
    environment: dict[str, str], note: Path, pipeline: Path
) -> None:
    started = await tegu(environment, "start", pipeline, note, "--json")
    (run,) = started.json["runs"]
    waited = await tegu(environment, "runs", "wait", run["id"], "--timeout-s", "30", "--json")
    assert waited.json["status"] == "completed"
    events = await tegu(environment, "runs", "events", run["id"], "--json")
    assert events.json["events"][-1]["kind"] == "run.completed"


async def test_errors_have_the_same_words_and_exit_codes(
    environment: dict[str, str], served: Served, tmp_path: Path
) -> None:
    nobody = environment | {"TEGU_API_KEY": "tegu_nobody"}
    viewer = environment | {"TEGU_API_KEY": served.viewer}
    nowhere = environment | {"TEGU_URL": "http://127.0.0.1:9"}
    unknown = "0190f2a4-0000-7000-8000-000000000000"
    broken = tmp_path / "broken.yaml"
    broken.write_text("tegu: 1\nname: broken\nstages:\n  a: {uses: nothing}\n", "utf-8")

    async def code(said: dict[str, str], *arguments: str | Path) -> tuple[int, str]:
        ended = await tegu(said, *arguments)
        return ended.code, ended.err

    assert (await code(nobody, "runs"))[0] == 8
    refused = await code(viewer, "pipelines", "create", "--document", json.dumps(NOTE))
    assert (refused[0], "pipelines:write" in refused[1]) == (8, True)
    assert (await code(nowhere, "runs"))[0] == 5
    assert (await code(environment, "runs", "show", unknown))[0] == 2
    assert (await code(environment, "ingest", tmp_path / "missing.txt"))[0] == 3
    problem = await code(environment, "start", broken, tmp_path / "missing.txt")
    assert (problem[0], "line 4" in problem[1]) == (2, True)
    limit = await code(environment, "contents", "list", "--input", '{"limit": 0, "nothing": 1}')
    assert (limit[0], "limit" in limit[1], "nothing" in limit[1]) == (2, True, True)


async def test_commands_of_this_machine_say_that_they_are(environment: dict[str, str]) -> None:
    for command in (("worker",), ("migrate",), ("doctor",), ("prune",), ("demo",)):
        ended = await tegu(environment, *command)
        assert ended.code == 2, command
        assert "this machine's database" in ended.error


async def test_a_login_is_kept_for_its_owner_alone_and_commands_follow_it(
    environment: dict[str, str], served: Served
) -> None:
    fresh = {name: value for name, value in environment.items() if name not in {"TEGU_URL", "TEGU_API_KEY"}}
    wrong = await _login(fresh, served.url, "tegu_nobody")
    assert wrong.code == 8
    assert (await _login(fresh, served.url, served.owner)).code == 0
    file = Path(fresh["TEGU_HOME"]) / "logins.json"
    assert file.stat().st_mode & 0o777 == 0o600
    whoami = await tegu(fresh, "whoami")
    assert served.url in whoami.out
    assert "owner of" in whoami.out
    assert (await tegu(fresh, "runs", "--json")).json == {"runs": []}
    assert (await tegu(fresh, "logout")).code == 0
    assert served.owner not in file.read_text("utf-8")
    assert "this machine" in (await tegu(fresh, "whoami")).out


async def test_a_person_signs_in_by_the_code_that_is_mailed(
    environment: dict[str, str], served: Served
) -> None:
    await LocalService(served.tegu).invitations.create(email="anna@example.com", role=Role.ADMIN)
    outbox = served.tegu.runtime.outbox
    assert outbox.kept is not None
    token = _found(r"token=([\w-]+)", outbox.kept)
    async with httpx.AsyncClient(base_url=served.url, headers={"sec-fetch-site": "same-origin"}) as browser:
        assert (await browser.post("/auth/invitation", json={"token": token})).status_code == 200
    fresh = {name: value for name, value in environment.items() if name not in {"TEGU_URL", "TEGU_API_KEY"}}
    process = await begin(fresh, "login", served.url, "--email", "anna@example.com")
    mails = len(outbox.kept)
    while len(outbox.kept) == mails:
        assert process.returncode is None
        await asyncio.sleep(0.05)
    code = _found(r"(\d{3} \d{3})", outbox.kept)
    ended = await end(process, f"{code}\n".encode())
    assert (ended.code, "anna@example.com" in ended.out) == (0, True), ended.err
    assert (await tegu(fresh, "whoami", "--json")).json["identity"]["role"] == "admin"


async def test_what_cannot_be_taken_back_is_not_done_where_nobody_can_be_asked(
    environment: dict[str, str], note: Path
) -> None:
    (stored,) = (await tegu(environment, "ingest", note, "--json")).json["ingested"]
    content_id = stored["content"]["id"]
    ended = await tegu(environment, "contents", "delete", content_id)
    assert (ended.code, ended.hint) == (2, "add --yes")
    assert (await tegu(environment, "contents", "delete", content_id, "--yes")).code == 0


def _found(pattern: str, mails: Iterable[Any]) -> str:
    """What the mails say."""
    match = re.search(pattern, "\n".join(mail.text for mail in mails))
    assert match is not None
    return match[1]


async def _login(environment: dict[str, str], url: str, key: str) -> Ended:
    return await end(await begin(environment, "login", url), f"{key}\n".encode())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_shells_complete_commands_and_choices(process_environment: dict[str, str], shell: str) -> None:
    ended = await tegu(process_environment, "completion", shell)
    assert (ended.code, "_TEGU_COMPLETE" in ended.out) == (0, True)
    asked = {
        "_TEGU_COMPLETE": "bash_complete",
        "COMP_WORDS": "tegu stage-runs list --status ",
        "COMP_CWORD": "4",
    }
    completed = await tegu(process_environment | asked)
    assert "plain,waiting" in completed.out.split()
