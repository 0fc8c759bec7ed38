"""What is looked for before anybody knows the organization: sessions, keys, links and invitations by their hash, tries.

Called by `actions.sign_in` and by the interfaces' authentication, through the engine's door. Invariant: what proves who asks
is read from its row each time; what may be used once is used up by one statement.
"""

from dataclasses import dataclass
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from tegu.domain.actor import Permission, Role, SeenAs
from tegu.domain.identity import OwnOrganization
from tegu.domain.ids import new_id
from tegu.storage.statements import statement


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session that is good, and its user."""

    organization_id: UUID
    id: UUID
    user_id: UUID
    email: str
    role: Role
    seen_as: SeenAs | None = None


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key that is good. `role` is at most its owner's."""

    organization_id: UUID
    id: UUID
    label: str
    email: str | None
    role: Role
    scopes: frozenset[Permission] | None
    pipelines: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class FoundInvitation:
    """An invitation that can be accepted."""

    organization_id: UUID
    organization: str
    id: UUID
    email: str
    role: Role


@dataclass(frozen=True, slots=True)
class LinkHashes:
    """What of a link is stored."""

    token: bytes
    flow: bytes
    code: bytes


@dataclass(frozen=True, slots=True)
class Tries:
    """How often something was tried in its window, and when that is over."""

    count: int
    over_in_s: float


async def find_session(
    pool: "asyncpg.Pool[asyncpg.Record]", token_hash: bytes, *, idle_s: float
) -> FoundSession | None:
    """The session of that token, noted as used just now."""
    row = await pool.fetchrow(statement("find_session"), token_hash, idle_s)
    if row is None:
        return None
    if row["is_stale"]:
        await pool.execute(statement("touch_session"), row["organization_id"], row["id"])
    seen_as = None if row["seen_as"] is None else SeenAs.from_json(from_json(row["seen_as"]))
    return FoundSession(
        row["organization_id"], row["id"], row["user_id"], row["email"], Role(row["role"]), seen_as
    )


async def find_key(pool: "asyncpg.Pool[asyncpg.Record]", key_hash: bytes) -> FoundKey | None:
    """The API key of that hash, noted as used just now."""
    row = await pool.fetchrow(statement("find_key"), key_hash)
    if row is None:
        return None
    if row["is_stale"]:
        await pool.execute(statement("touch_key"), row["organization_id"], row["id"])
    known = {permission.value for permission in Permission}
    scopes, pipelines = row["scopes"], row["pipelines"]
    return FoundKey(
        organization_id=row["organization_id"],
        id=row["id"],
        label=f"{row['name']} of {row['user_label']}",
        email=row["email"],
        role=Role(row["role"]).at_most(Role(row["user_role"])),
        scopes=None if scopes is None else frozenset(Permission(s) for s in scopes if s in known),
        pipelines=None if pipelines is None else frozenset(pipelines),
    )


async def make_link(
    pool: "asyncpg.Pool[asyncpg.Record]", email: str, hashes: LinkHashes, *, good_for_s: float
) -> bool:
    """Make a link for whoever has the address. False: nobody has."""
    arguments = (email, new_id(), hashes.token, hashes.flow, hashes.code, good_for_s)
    return await pool.fetchrow(statement("make_link"), *arguments) is not None


async def try_code(
    pool: "asyncpg.Pool[asyncpg.Record]", flow_hash: bytes, *, tries_max: int
) -> tuple[bytes, bytes] | None:
    """Count a try: the hashes of the code that it should be, and of the link's token. None: no more tries."""
    row = await pool.fetchrow(statement("try_code"), flow_hash, tries_max)
    return None if row is None else (row["code_hash"], row["token_hash"])


async def use_link(pool: "asyncpg.Pool[asyncpg.Record]", token_hash: bytes) -> tuple[UUID, UUID, str] | None:
    """Use it up, with its siblings: organization, user and address. None: it was used or ended, or never was."""
    row = await pool.fetchrow(statement("use_link"), token_hash)
    return None if row is None else (row["organization_id"], row["user_id"], row["email"])


async def find_invitation(pool: "asyncpg.Pool[asyncpg.Record]", token_hash: bytes) -> FoundInvitation | None:
    """The invitation of that token, where it can be accepted."""
    row = await pool.fetchrow(statement("find_invitation"), token_hash)
    if row is None:
        return None
    return FoundInvitation(
        row["organization_id"], row["organization"], row["id"], row["email"], Role(row["role"])
    )


async def organizations_of(
    pool: "asyncpg.Pool[asyncpg.Record]", email: str
) -> list[tuple[UUID, OwnOrganization]]:
    """Where the address has a user that may come in: the user's id there, and the organization."""
    rows = await pool.fetch(statement("organizations_of_email"), email)
    return [(row["user_id"], OwnOrganization(row["id"], row["name"], Role(row["role"]))) for row in rows]


async def count_try(pool: "asyncpg.Pool[asyncpg.Record]", bucket: int, *, window_s: float) -> Tries:
    """Count one try in a bucket."""
    row = await pool.fetchrow(statement("count_try"), bucket, window_s)
    assert row is not None
    return Tries(row["count"], row["over_in_s"])
