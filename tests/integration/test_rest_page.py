"""docs/rest.md says what its commands print: they are run, in order, against a service with a real key."""

import asyncio
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from http_lab import SECRET_KEYS

from tegu.actions.declared.keys import CreateKey, create_key
from tegu.app import Tegu
from tegu.domain.actor import Actor, ActorKind, Role
from tegu.interfaces.http.listening import listener_at, served
from tegu.interfaces.http.service import service
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.members import add_member

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rest.md"


def _steps() -> list[tuple[str, str]]:
    """Commands, and what the page says that each prints; `...` is anything."""
    blocks = "".join(re.findall(r"```console\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
    return [
        (step.split("\n", 1)[0], step.split("\n", 1)[1])
        for step in re.split(r"^\$ ", blocks, flags=re.MULTILINE)[1:]
    ]


async def _key_of(tegu: Tegu) -> str:
    scope = await tegu.scope()
    async with scope.transaction() as connection:
        person = await add_member(connection, scope.organization_id, "anna@example.com", Role.OWNER)
    anna = Actor(scope.organization_id, ActorKind.USER, Role.OWNER, person.id, "anna@example.com")
    return (await create_key(replace(scope, actor=anna), CreateKey(name="the page"))).secret


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page's commands are curl's")
async def test_the_page_prints_what_it_says(address: DatabaseAddress, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules", secret_keys=SECRET_KEYS)
    steps = _steps()
    assert len(steps) > 10
    async with (
        Tegu(settings=settings, credentials=EnvironmentCredentials({})) as tegu,
        served(service(tegu, is_mounted=False), listener_at("127.0.0.1", 0)) as url,
    ):
        mark = "--- step ---"
        script = f"api={url}/api\nkey='Authorization: Bearer {await _key_of(tegu)}'\n"
        script += "\n".join(f"{command}\necho '{mark}'" for command, _ in steps)
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", script, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await process.communicate()
    outputs = printed.decode().split(mark)
    for (command, expected), output in zip(steps, outputs, strict=False):
        pattern = re.escape(expected.strip()).replace(re.escape("..."), ".*")
        assert re.fullmatch(pattern, output.strip(), re.DOTALL), f"$ {command}\n{output}"
