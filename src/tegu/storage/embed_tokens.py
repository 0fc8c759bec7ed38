"""Tokens of embedded pages: made, listed, ended, found, and what they reach.

Called by `actions.embed_tokens` inside one organization's transaction, and by authentication, through the engine's door, before the
organization is known. Invariant: only the hash of a token is stored, and the app's role cannot read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Select, delete, func, insert, select, text

from tegu.domain.actor import ALL_ROWS, Actor, ActorKind, Maker, Reach, Role, Rows
from tegu.domain.embedding import Embedded, GoodEmbedToken
from tegu.domain.ids import new_id
from tegu.storage.families import families
from tegu.storage.rows import paged
from tegu.storage.statements import statement
from tegu.storage.tables import embed_tokens, pipeline_versions, pipelines, reviews, runs
from tegu.storage.transaction import Transaction
from tegu.storage.visible import pipelines_seen

RUNS_MAX = 1000
"""Of one family that a token reaches, those nearest to its run."""
_SWEPT = 100
_C = embed_tokens.c
_SHOWN = tuple(column for column in _C if column.name not in {"organization_id", "token_hash"})


@dataclass(frozen=True, slots=True)
class NewEmbedToken:
    """A token to store."""

    token_hash: bytes
    label: str
    run_id: UUID | None
    review_id: UUID | None
    may: Embedded
    good_for_s: int


@dataclass(frozen=True, slots=True)
class FoundEmbedToken:
    """A token that somebody came in with. `role` is at most that of whoever made it, as it is now, and `pipelines` are those that the
    key was for that made it.
    """

    organization_id: UUID
    id: UUID
    label: str
    run_id: UUID | None
    review_id: UUID | None
    may: Embedded
    role: Role
    pipelines: frozenset[str] | None
    is_expired: bool
    made_by: Maker


async def add_token(connection: Transaction, organization_id: UUID, actor: Actor, new: NewEmbedToken) -> UUID:
    """Store it; some that ended a day ago are swept away."""
    mine = _C.organization_id == organization_id
    ended = select(_C.id).where(mine, _C.expires_at < func.clock_timestamp() - text("interval '1 day'"))
    await connection.execute(delete(embed_tokens).where(mine, _C.id.in_(ended.limit(_SWEPT))))
    token_id = new_id()
    await connection.execute(
        insert(embed_tokens).values(
            organization_id=organization_id,
            id=token_id,
            token_hash=new.token_hash,
            label=new.label,
            run_id=new.run_id,
            review_id=new.review_id,
            may=new.may.value,
            role=actor.role.value,
            made_by_kind=actor.kind.value,
            made_by=actor.id,
            expires_at=func.clock_timestamp()
            + text("make_interval(secs => :s)").bindparams(s=new.good_for_s),
        )
    )
    return token_id


async def count_tokens(connection: Transaction, organization_id: UUID, made_by: Actor) -> int:
    """How many that this one made are good."""
    query = select(func.count()).select_from(embed_tokens)
    return await connection.scalar(
        query.where(
            _C.organization_id == organization_id,
            _C.made_by_kind == made_by.kind.value,
            _C.made_by.is_not_distinct_from(made_by.id),
            _C.expires_at > func.clock_timestamp(),
        )
    )


async def list_tokens(
    connection: Transaction,
    organization_id: UUID,
    *,
    run_id: UUID | None = None,
    review_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
    rows: Rows = ALL_ROWS,
) -> list[GoodEmbedToken]:
    """Those that are good, the newest first."""
    query = _good(organization_id, rows)
    if run_id is not None:
        query = query.where(_C.run_id == run_id)
    if review_id is not None:
        query = query.where(_C.review_id == review_id)
    found = await connection.execute(paged(query, _C.id, after=after, limit=limit))
    return [_good_token(row) for row in found.mappings()]


async def find_good_token(
    connection: Transaction, organization_id: UUID, token_id: UUID, rows: Rows = ALL_ROWS
) -> GoodEmbedToken | None:
    """One that is good."""
    found = await connection.execute(_good(organization_id, rows).where(_C.id == token_id))
    row = found.mappings().one_or_none()
    return None if row is None else _good_token(row)


async def remove_token(connection: Transaction, organization_id: UUID, token_id: UUID) -> None:
    """It opens nothing any more."""
    await connection.execute(
        delete(embed_tokens).where(_C.organization_id == organization_id, _C.id == token_id)
    )


def _good(organization_id: UUID, rows: Rows) -> Select[Any]:
    """A token of what is there no more opens nothing, and is left out."""
    same = runs.c.organization_id == _C.organization_id
    return (
        select(*_SHOWN)
        .outerjoin(
            reviews, (reviews.c.organization_id == _C.organization_id) & (reviews.c.id == _C.review_id)
        )
        .join(runs, same & (runs.c.id == func.coalesce(_C.run_id, reviews.c.run_id)))
        .where(
            _C.organization_id == organization_id,
            _C.expires_at > func.clock_timestamp(),
            pipelines_seen(organization_id, rows, runs.c.pipeline_id),
        )
    )


def _good_token(row: Mapping[Any, Any]) -> GoodEmbedToken:
    said: dict[str, Any] = {column.name: row[column.name] for column in _SHOWN}
    said["may"] = Embedded(row["may"])
    said["role"] = Role(row["role"])
    said["made_by_kind"] = ActorKind(row["made_by_kind"])
    return GoodEmbedToken(**said)


async def find_token(pool: "asyncpg.Pool[asyncpg.Record]", token_hash: bytes) -> FoundEmbedToken | None:
    """The token of that hash, also one that has expired."""
    row = await pool.fetchrow(statement("find_embed_token"), token_hash)
    if row is None:
        return None
    role = Role(row["role"])
    for theirs in (row["key_role"], row["user_role"]):
        role = role if theirs is None else role.at_most(Role(theirs))
    return FoundEmbedToken(
        row["organization_id"],
        row["id"],
        row["label"],
        row["run_id"],
        row["review_id"],
        Embedded(row["may"]),
        role,
        None if row["pipelines"] is None else frozenset(row["pipelines"]),
        row["is_expired"],
        Maker(ActorKind(row["made_by_kind"]), row["made_by"], row["made_by_label"]),
    )


async def reach_of(connection: Transaction, found: FoundEmbedToken) -> Reach:
    """What a token opens, as it is now."""
    c = runs.c
    organization_id, run_id, review_id = found.organization_id, found.run_id, found.review_id
    if review_id is not None:
        query = select(reviews.c.run_id).where(
            reviews.c.organization_id == organization_id, reviews.c.id == review_id
        )
        run_id = await connection.scalar(query)
    if run_id is None:
        return Reach(frozenset(), frozenset())
    family = families(organization_id, [run_id])
    # In no order: then no more of a family is looked for than is taken, generation by generation.
    ids = [run_id] if review_id is not None else select(family.c.id).limit(RUNS_MAX)
    rows = (
        await connection.execute(
            select(c.id, c.content_id, pipelines.c.name, pipeline_versions.c.number)
            .join_from(
                runs,
                pipelines,
                (pipelines.c.organization_id == c.organization_id) & (pipelines.c.id == c.pipeline_id),
            )
            .join(
                pipeline_versions,
                (pipeline_versions.c.organization_id == c.organization_id)
                & (pipeline_versions.c.id == c.version_id),
            )
            .where(c.organization_id == organization_id, c.id.in_(ids))
        )
    ).all()
    opened = [row for row in rows if found.pipelines is None or row.name in found.pipelines]
    return Reach(
        runs=frozenset(row.id for row in opened),
        contents=frozenset(row.content_id for row in opened if row.content_id is not None),
        pipelines=frozenset(f"{row.name}@{row.number}" for row in opened),
        review_id=review_id,
    )
