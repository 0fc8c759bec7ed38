"""Python stages of the cases: what a document of the suites computes in an expression, a pipeline of ours has in a function."""

import json
from typing import Any

from pydantic import BaseModel, JsonValue, TypeAdapter

from tegu import Document, StageContext, StageError, stage


class Colors(BaseModel):
    """Colors in their order."""

    colors: list[str]


class Color(BaseModel):
    """The color that is asked for."""

    color: str


class Mark(BaseModel):
    """A color that was looked at."""

    color: str


class PlayerId(BaseModel):
    """Who plays."""

    playerId: str  # noqa: N815 (the suite's name)


class Wanted(BaseModel):
    """The status of the pets that are wanted."""

    status: str


class Pet(BaseModel):
    """A pet of the store."""

    id: int
    name: str
    status: str


class Answered(BaseModel):
    """What a service answered."""

    body: JsonValue


class Failure(BaseModel):
    """How a stage failed, as its handler reads it."""

    error: dict[str, JsonValue]


@stage(version=1)
async def no_colors(document: Document, ctx: StageContext) -> Colors:
    """Nothing yet."""
    del document, ctx
    return Colors(colors=[])


@stage(version=1)
async def red(before: Colors, ctx: StageContext) -> Colors:
    """And red."""
    del ctx
    return Colors(colors=[*before.colors, "red"])


@stage(version=1)
async def green(before: Colors, ctx: StageContext) -> Colors:
    """And green."""
    del ctx
    return Colors(colors=[*before.colors, "green"])


@stage(version=1)
async def blue(before: Colors, ctx: StageContext) -> Colors:
    """And blue."""
    del ctx
    return Colors(colors=[*before.colors, "blue"])


@stage(version=1)
async def custom(before: Colors, wanted: Color, ctx: StageContext) -> Colors:
    """And whatever was asked for."""
    del ctx
    return Colors(colors=[*before.colors, wanted.color])


@stage(version=1)
async def color(document: Document, ctx: StageContext) -> Color:
    """The color that the text asks for."""
    del ctx
    return Color.model_validate_json(document.text)


@stage(version=1)
async def given_colors(document: Document, ctx: StageContext) -> Colors:
    """The colors that the text lists."""
    del ctx
    return Colors.model_validate_json(document.text)


@stage(version=1)
async def mark(item: str, ctx: StageContext) -> Mark:
    """One color of a list."""
    del ctx
    return Mark(color=item)


@stage(version=1)
async def processed(marks: list[Mark], ctx: StageContext) -> dict[str, JsonValue]:
    """What was marked, and at which place."""
    del ctx
    return {"processed": {"colors": [each.color for each in marks], "indexes": list(range(len(marks)))}}


@stage(version=1)
async def player_id(document: Document, ctx: StageContext) -> PlayerId:
    """Who the text says is playing."""
    del ctx
    return PlayerId(playerId=json.loads(document.text)["user"]["claims"]["subject"])


@stage(version=1)
async def shape(document: Document, ctx: StageContext) -> dict[str, JsonValue]:
    """A circle as the text says."""
    del ctx
    return {"shape": "circle", **json.loads(document.text)["configuration"]}


@stage(version=1)
async def compliance_error(document: Document, ctx: StageContext) -> Colors:
    """Never what was asked."""
    del document, ctx
    raise StageError("Compliance Error", code="compliance")


@stage(version=1)
async def wanted(document: Document, ctx: StageContext) -> Wanted:
    """What the text asks for."""
    del ctx
    return Wanted.model_validate_json(document.text)


@stage(version=1)
async def first_pet(answered: Answered, ctx: StageContext) -> Pet:
    """The first of a list of pets."""
    del ctx
    return TypeAdapter(list[Pet]).validate_python(answered.body)[0]


@stage(version=1)
async def pet_id(answered: Answered, ctx: StageContext) -> int:
    """Which pet it is."""
    del ctx
    return Pet.model_validate(answered.body).id


@stage(version=1)
async def both_ids(first: int, answered: Answered, ctx: StageContext) -> dict[str, JsonValue]:
    """The one from before and this one."""
    del ctx
    return {"ids": [first, Pet.model_validate(answered.body).id]}


@stage(version=1)
async def greetings(document: Document, ctx: StageContext) -> dict[str, JsonValue]:
    """What is said to whom the text names."""
    del ctx
    user = json.loads(document.text)["user"]
    return {"greetings": f"Hello {user['firstName']} {user['lastName']}!"}


@stage(version=1)
async def caught(failed: Failure | None, ctx: StageContext) -> Failure:
    """What went wrong."""
    del ctx
    assert failed is not None
    return failed


FUNCTIONS: tuple[Any, ...] = (
    no_colors,
    red,
    green,
    blue,
    custom,
    color,
    given_colors,
    mark,
    processed,
    player_id,
    shape,
    compliance_error,
    wanted,
    first_pet,
    pet_id,
    both_ids,
    greetings,
    caught,
)
