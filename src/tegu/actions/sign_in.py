"""Signing in: by a link or code that was mailed, by an invitation, by what another proved; and out again.

    request_link -> a mail with a link and a code -> sign_in_by_link | sign_in_by_code -> a session, its token in a cookie

Called by the interfaces' pages, which know nobody yet; no action, since an action has an actor. Invariant: a session begins
only for an address that was shown to be theirs, and always with a new token; the audit log has it in the same transaction.
"""

import asyncio
import hmac
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from tegu.actions import throttle
from tegu.actions.machinery import Machinery
from tegu.actions.sign_in_mails import link_mail
from tegu.actions.tokens import CODE_FORM, code_hash, hash_of, new_code, new_token
from tegu.domain.actor import Actor, ActorKind
from tegu.domain.email_address import checked_email
from tegu.domain.errors import NotFoundError, UnauthenticatedError
from tegu.domain.identity import Member
from tegu.domain.json import JsonObject
from tegu.storage import audit, invitations, members, sessions, sign_in
from tegu.storage.sign_in import FoundInvitation, LinkHashes
from tegu.storage.transaction import Transaction

LINK_S = 900.0
ANSWER_S = 0.25
"""How long asking for a link takes at least: longer than it takes to store one, which is done for known addresses only."""
CODE_TRIES_MAX = 5
SESSION_S = 30 * 86_400.0
IDLE_S = 14 * 86_400.0
_USER_AGENT_LENGTH_MAX = 300


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is at the door: where they come from, with what browser, and the session that they have already."""

    host: str
    user_agent: str = ""
    actor: Actor | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that began: `token` is for the cookie, and nowhere else."""

    token: str
    organization_id: UUID
    user_id: UUID
    session_id: UUID


async def request_link(machinery: Machinery, written: str, visitor: Visitor) -> str:
    """Mail a link and a code to whoever has the address, if somebody has. The flow that the code belongs to: known to
    this browser alone. Raises UsageError for what is no address, QuotaError; says nothing of whether it is known.
    """
    answered_at = monotonic() + ANSWER_S
    email, pool = checked_email(written), await machinery.database.engine()
    network = throttle.network_of(visitor.host)
    for limit, key in (
        (throttle.LINKS_BY_NETWORK, network),
        (throttle.LINKS_BY_SITE, throttle.site_of(visitor.host)),
        (throttle.LINKS_BY_EMAIL, f"{email} {network}"),
        (throttle.LINKS_BY_EMAIL_A_DAY, f"{email} {network}"),
    ):
        await throttle.count(machinery.database, limit, key)
    await throttle.count_either(
        machinery.database, throttle.MAILS_BY_EMAIL_A_DAY, throttle.MAILS_BY_EMAIL_BEYOND, email
    )
    token, flow, code = new_token(), new_token(), new_code()
    hashes = LinkHashes(hash_of(token), hash_of(flow), code_hash(flow, code))
    if await sign_in.make_link(pool, email, hashes, good_for_s=LINK_S):
        machinery.outbox.post(link_mail(machinery.settings.sign_in.url, email, token, code, LINK_S))
    await asyncio.sleep(answered_at - monotonic())
    return flow


async def make_link(machinery: Machinery, written: str) -> str:
    """A link for the operator to hand on. Raises NotFoundError when nobody has the address."""
    email, token = checked_email(written), new_token()
    hashes = LinkHashes(hash_of(token), hash_of(new_token()), code_hash(new_token(), new_code()))
    pool = await machinery.database.engine()
    if not await sign_in.make_link(pool, email, hashes, good_for_s=LINK_S):
        raise NotFoundError(f"nobody has the address {email!r}", hint="invite them")
    return f"{machinery.settings.sign_in.url}/auth/link?token={token}"


async def sign_in_by_link(machinery: Machinery, token: str, visitor: Visitor) -> SignedIn:
    """Use a link up. Raises UnauthenticatedError, QuotaError."""
    await count_token(machinery, visitor)
    return await _by_token_hash(machinery, hash_of(token), visitor, "link")


async def sign_in_by_code(machinery: Machinery, flow: str, code: str, visitor: Visitor) -> SignedIn:
    """Use a link up by its code, in the browser that asked for it. Raises UnauthenticatedError, QuotaError."""
    await count_token(machinery, visitor)
    written = "".join(code.split())
    pool = await machinery.database.engine()
    found = await sign_in.try_code(pool, hash_of(flow), tries_max=CODE_TRIES_MAX)
    if found is None or not CODE_FORM.fullmatch(written):
        raise _refused("code")
    if not hmac.compare_digest(found[0], code_hash(flow, written)):
        raise _refused("code")
    return await _by_token_hash(machinery, found[1], visitor, "code")


async def sign_in_by_email(machinery: Machinery, email: str, visitor: Visitor, *, how: str) -> SignedIn:
    """Begin a session for an address that somebody else has proved, where it was last. Raises UnauthenticatedError."""
    token = new_token()
    hashes = LinkHashes(hash_of(token), hash_of(new_token()), code_hash(new_token(), new_code()))
    pool = await machinery.database.engine()
    if not await sign_in.make_link(pool, checked_email(email), hashes, good_for_s=LINK_S):
        raise UnauthenticatedError(f"{email} is no member here", hint="ask somebody to invite you")
    return await _by_token_hash(machinery, hashes.token, visitor, how)


async def open_invitation(machinery: Machinery, token: str, visitor: Visitor) -> FoundInvitation:
    """What an invitation is to; it stays as it is. Raises UnauthenticatedError, QuotaError."""
    await count_token(machinery, visitor)
    found = await sign_in.find_invitation(await machinery.database.engine(), hash_of(token))
    if found is None:
        raise _refused("invitation")
    return found


async def accept_invitation(machinery: Machinery, token: str, visitor: Visitor) -> SignedIn:
    """Become a member, and be signed in: that the token arrived shows whose the address is. Raises UnauthenticatedError."""
    found = await open_invitation(machinery, token, visitor)
    async with machinery.database.transaction(found.organization_id) as connection:
        if not await invitations.accept(connection, found.organization_id, found.id):
            raise _refused("invitation")
        member = await members.add_member(connection, found.organization_id, found.email, found.role)
        if member.disabled_at is not None:
            raise _refused("invitation")
        target: JsonObject = {"invitation_id": str(found.id)}
        begun = await _begin(connection, member, found.organization_id, visitor, "invitations.accept", target)
    await _leave_behind(machinery, visitor)
    return begun


async def switch_organization(machinery: Machinery, organization_id: UUID, visitor: Visitor) -> SignedIn:
    """Go on in another organization where the same address is a member; the session before ends. Raises NotFoundError."""
    actor = visitor.actor
    if actor is None or actor.kind is not ActorKind.USER:
        raise UnauthenticatedError("nobody is signed in")
    for user_id, there in await sign_in.organizations_of(await machinery.database.engine(), actor.label):
        if there.id == organization_id:
            return await _enter(machinery, there.id, user_id, visitor, "switch")
    raise NotFoundError(f"you are in no organization {organization_id}", hint="list those that you are in")


async def sign_out(machinery: Machinery, actor: Actor) -> None:
    """End the session."""
    if actor.session_id is None or actor.id is None:
        return
    async with machinery.database.transaction(actor.organization_id) as connection:
        await sessions.end_sessions(connection, actor.organization_id, actor.id, actor.session_id)
        await audit.note(connection, actor, "me.sign_out", {"session_id": str(actor.session_id)})


async def count_token(machinery: Machinery, visitor: Visitor) -> None:
    """Count that something was shown that might let somebody in. Raises QuotaError."""
    await throttle.count(machinery.database, throttle.TOKENS_BY_NETWORK, throttle.network_of(visitor.host))


async def _by_token_hash(machinery: Machinery, token_hash: bytes, visitor: Visitor, how: str) -> SignedIn:
    used = await sign_in.use_link(await machinery.database.engine(), token_hash)
    if used is None:
        raise _refused(how)
    organization_id, user_id, _ = used
    return await _enter(machinery, organization_id, user_id, visitor, how)


async def _enter(
    machinery: Machinery, organization_id: UUID, user_id: UUID, visitor: Visitor, how: str
) -> SignedIn:
    async with machinery.database.transaction(organization_id) as connection:
        member = await members.find_member(connection, organization_id, user_id)
        if member is None or member.disabled_at is not None:
            raise _refused(how)
        begun = await _begin(connection, member, organization_id, visitor, "me.sign_in", {"by": how})
    await _leave_behind(machinery, visitor)
    return begun


async def _leave_behind(machinery: Machinery, visitor: Visitor) -> None:
    """The session that the browser had before ends: nobody goes on with a token that was there before signing in."""
    if visitor.actor is not None and visitor.actor.kind is ActorKind.USER:
        await sign_out(machinery, visitor.actor)


async def _begin(
    connection: Transaction,
    member: Member,
    organization_id: UUID,
    visitor: Visitor,
    action: str,
    target: JsonObject,
) -> SignedIn:
    """Begin a session of a member who is there, and note it."""
    token = new_token()
    agent = "".join(c for c in visitor.user_agent if c.isprintable())[:_USER_AGENT_LENGTH_MAX]
    new = sessions.NewSession(member.id, hash_of(token), agent, SESSION_S)
    session_id = await sessions.start_session(connection, organization_id, new)
    await members.see(connection, organization_id, member.id)
    actor = Actor(
        organization_id,
        ActorKind.USER,
        member.role,
        id=member.id,
        label=member.email,
        session_id=session_id,
    )
    await audit.note(connection, actor, action, {**target, "session_id": str(session_id)})
    return SignedIn(token, organization_id, member.id, session_id)


def _refused(what: str) -> UnauthenticatedError:
    """The same for what never was, what ended and what was used."""
    return UnauthenticatedError(f"this {what} lets nobody in, or not any more", hint="ask for a new one")
