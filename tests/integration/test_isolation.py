"""Isolation, over every route that the registry makes: whose is what, and what each role may.

The cases are made from the actions' declarations, so an action that is added is asked too. Invariant under test: an id of
another organization is answered exactly as one that never was, whatever stands beside it.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from two_organizations import PIPELINE, SCHEDULE, SECRET, World, two_organizations, without

from tegu.actions.action import Action, Effect
from tegu.actions.policy import EMBEDDED
from tegu.actions.registry import ACTIONS
from tegu.domain.actor import PERMISSIONS_OF, Permission, Role
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.storage.database import DatabaseAddress

# What an action needs said that cannot be made from its declaration; `{id}` is the id that is asked for.
SAMPLES: Mapping[str, JsonObject] = {
    "contents.create": {"text": "hello"},
    "runs.start": {"pipeline": "document_extraction"},
    "runs.fork": {"from_stage": "extract"},
    "pipelines.forecast": {"where": {}},
    "backfills.preview": {"pipeline": "document_extraction", "sample": 5, "seed": 1},
    "backfills.start": {"pipeline": "document_extraction", "sample": 5},
    "backfills.update": {"budget_usd": "1.50"},
    "pipelines.create": {"text": "no document"},
    "pipelines.check": {"text": "no document"},
    "pipelines.draw": {"text": "no document"},
    "pipelines.try": {
        "text": "tegu: 1\nname: tried\nstages: {brief: {uses: summarize}}\n",
        "content_id": str(new_id()),
    },
    "invitations.create": {"email": "new@example.com", "role": "viewer"},
    "service_accounts.create": {"role": "viewer"},
    "webhooks.create": {"url": "https://hooks.example.com/mine", "events": ["run.completed"]},
    "http_credentials.create": {"name": "mine", "url": "https://api.example.com", "secret": "Bearer mine"},
    "reviews.correct": {"value": {}},
    "budgets.set": {"period": "day", "limit_usd": "1.50"},
    "budgets.remove": {"period": "day"},
    "pauses.create": {"pipeline": "document_extraction"},  # of the whole organization: for who may set it up
    "pauses.remove": {"pipeline": "document_extraction"},
    "schedules.create": {"pipeline": "document_extraction", "cron": "30 8 * * MON"},
    "costs.summary": {"until": "2026-11-01T00:00:00Z"},  # or it would be of another moment each time
    "concurrency.set": {"runs_max": 3},
    "models.try": {"models": ["rules"]},
    "models.use": {"model": "rules"},
}
# Whose table an id belongs to, where its name does not say it: `run_id` is one of `runs`.
TABLES = {
    "thread_id": "mail_threads",
    "other_id": "runs",
    "parent_id": "contents",
    "reuse_from": "runs",
    "call_id": "llm_calls",
    "delivery_id": "webhook_deliveries",
    "token_id": "embed_tokens",
    "key_id": "api_keys",
    "credential_id": "http_credentials",
    "service_account_id": "users",
    "version_id": "pipeline_versions",
}
NAMES = {"pipeline": PIPELINE, "schedule": SCHEDULE}
"""Names of things of acme's, by the input that can say them."""


@dataclass(frozen=True)
class Field:
    """An input of an action that says which thing is meant."""

    action: Action[Any, Any]
    name: str
    is_list: bool

    @property
    def table(self) -> str:
        """Where such things are."""
        stem = self.name.removesuffix("s") if self.is_list else self.name
        return TABLES.get(stem, stem.removesuffix("_id") + "s")

    def said(self, value: str) -> JsonObject:
        """The inputs, this one being `value`."""
        return {**sample(self.action), self.name: [value] if self.is_list else value}


def _fields() -> Iterator[Field]:
    for each in ACTIONS.values():
        for name, schema in each.input.model_json_schema()["properties"].items():
            options = [schema, *schema.get("anyOf", ())]
            if any(option.get("format") == "uuid" for option in options):
                yield Field(each, name, is_list=False)
            elif any(option.get("items", {}).get("format") == "uuid" for option in options):
                yield Field(each, name, is_list=True)


def sample(action: Action[Any, Any]) -> JsonObject:
    """Inputs that the action takes, as few as it allows; ids in it are of nothing."""
    schema = action.input.model_json_schema()
    said: JsonObject = {}
    for name in schema.get("required", ()):
        found = schema["properties"][name]
        said[name] = str(new_id()) if found.get("format") == "uuid" else "never_was"
    return said | SAMPLES.get(action.name, {})


FIELDS = tuple(_fields())
BLIND = [
    each
    for each in ACTIONS.values()
    if each.effect is Effect.READ and each.permission is not Permission.OPERATE
]


@pytest.fixture
async def world(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[World]:
    async with two_organizations(address, tmp_path) as made:
        yield made


async def test_acme_finds_its_own_things(world: World) -> None:
    # Or what follows would show nothing: where nobody finds anything, nothing leaks.
    for name in ("runs.list", "contents.list"):
        found = await world.ask(ACTIONS[name], {}, is_acme=True)
        assert found.status_code == 200, found.text
        assert SECRET in found.text, name
    run = await world.ask(ACTIONS["runs.get"], {"run_id": str(world.ids["runs"][0])}, is_acme=True)
    assert run.status_code == 200, run.text


async def test_an_id_of_another_organization_is_as_unknown_as_one_that_never_was(world: World) -> None:
    leaks: list[str] = []
    for field in FIELDS:
        theirs = world.ids.get(field.table)
        assert theirs, f"acme has no row in {field.table!r} for {field.action.name}: {field.name}"
        never = str(new_id())
        answers: list[tuple[int, str]] = []
        for value in (str(theirs[0]), never):
            found = await world.ask(field.action, field.said(value))
            assert found.status_code < 500, f"{field.action.name} {field.name}: {found.text}"
            answers.append((found.status_code, without(found.text, value)))
        if answers[0] != answers[1] or SECRET in answers[0][1]:
            leaks.append(f"{field.action.name} {field.name}: {answers[0]} and not {answers[1]}")
    assert not leaks, "\n".join(leaks)


async def test_a_name_of_another_organization_is_as_unknown_as_one_that_never_was(world: World) -> None:
    leaks: list[str] = []
    for each in ACTIONS.values():
        for name, theirs in NAMES.items():
            if name not in each.input.model_fields:
                continue
            answers: list[tuple[int, str]] = []
            for value in (theirs, "never_was_1"):
                found = await world.ask(each, {**sample(each), name: value})
                assert found.status_code < 500, f"{each.name} {name}: {found.text}"
                answers.append((found.status_code, without(found.text, value)))
            if answers[0] != answers[1]:
                leaks.append(f"{each.name} {name}: {answers[0]} and not {answers[1]}")
    assert not leaks, "\n".join(leaks)


async def test_no_list_holds_anything_of_another_organization(world: World) -> None:
    theirs = {str(each) for ids in world.ids.values() for each in ids}
    for each in BLIND:
        found = await world.ask(each, sample(each))
        assert found.status_code < 500, f"{each.name}: {found.text}"
        assert SECRET not in found.text, each.name
        assert not [known for known in theirs if known in found.text], each.name


@pytest.mark.parametrize("role", Role)
async def test_a_role_is_refused_exactly_what_it_has_no_permission_for(world: World, role: Role) -> None:
    allowed = PERMISSIONS_OF[role]
    wrong: list[str] = []
    for each in ACTIONS.values():
        found = await world.ask(each, sample(each), role=role)
        assert found.status_code < 500, f"{each.name}: {found.text}"
        is_refused = found.status_code == 403 and "is not allowed" in found.json()["detail"]
        if is_refused == (each.permission in allowed):
            wrong.append(f"{each.name} as {role.value}: {found.status_code} {found.text[:200]}")
    assert not wrong, "\n".join(wrong)


async def test_the_token_of_an_embedded_page_opens_its_run_and_nothing_else_of_its_own_organization(
    world: World,
) -> None:
    mine, *others = world.ids["runs"]
    shown = await world.ask(ACTIONS["runs.get"], {"run_id": str(mine)}, embedded=mine)
    assert shown.status_code == 200, shown.text
    leaks: list[str] = []
    for each in ACTIONS.values():
        found = await world.ask(each, sample(each), embedded=mine)
        named = EMBEDDED.get(each.name, "")  # an input, or none: it is about whoever asks
        if found.status_code != (200 if named is None else 404 if named else 403):
            leaks.append(f"{each.name}: {found.status_code} {found.text[:200]}")
    for field in FIELDS:
        for value in others[:1] if field.table == "runs" else world.ids[field.table][:1]:
            found = await world.ask(field.action, field.said(str(value)), embedded=mine)
            if found.status_code not in {403, 404} or SECRET in found.text:
                leaks.append(f"{field.action.name} {field.name}: {found.status_code} {found.text[:200]}")
    assert not leaks, "\n".join(leaks)


async def test_nothing_of_acme_is_changed_by_all_that_the_other_asked(
    world: World, address: DatabaseAddress
) -> None:
    before = await _rows(address, world.acme)
    for field in FIELDS:
        for theirs in world.ids.get(field.table, ())[:1]:
            await world.ask(field.action, field.said(str(theirs)))
    for each in ACTIONS.values():
        for name, theirs in NAMES.items():
            if name in each.input.model_fields:
                await world.ask(each, {**sample(each), name: theirs})
    assert await _rows(address, world.acme) == before


async def _rows(address: DatabaseAddress, organization_id: UUID) -> dict[str, list[str]]:
    """Every row of an organization, as text."""
    import asyncpg

    connection = await asyncpg.connect(address.owner)
    try:
        tables = await connection.fetch(
            "select table_name as name from information_schema.columns join information_schema.tables"
            " using (table_schema, table_name) where table_schema = 'tegu' and column_name = 'organization_id'"
            " and table_type = 'BASE TABLE'"
        )
        return {
            row["name"]: sorted(
                found["row"]
                for found in await connection.fetch(
                    f"select t::text as row from tegu.{row['name']} t where organization_id = $1",
                    organization_id,
                )
            )
            for row in tables
        }
    finally:
        await connection.close()
