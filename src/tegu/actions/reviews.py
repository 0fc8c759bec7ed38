"""Reviews: find what waits for one's decision, read it, hand it to somebody else, and decide it.

Called by the declared actions. Invariants: the first decision counts, and whoever comes later is told what it was; who is below
the role that a review is assigned to decides nothing of it; a corrected value obeys the schema of the one that it replaces.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from tegu.actions.scope import Scope
from tegu.domain.actor import Actor, ActorKind, Role
from tegu.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError, Problem
from tegu.domain.json import storable, storable_text
from tegu.domain.review import ROLE_PREFIX, Review, ReviewDetail, ReviewOrder, ReviewStatus, role_of
from tegu.llm.schema import validator
from tegu.storage import members, reviews
from tegu.storage.reviews import Decided
from tegu.storage.transaction import Transaction

_ROLES = frozenset({Role.OWNER, Role.ADMIN, Role.EDITOR})


async def list_reviews(
    scope: Scope,
    *,
    status: ReviewStatus | None,
    assignee: str | None,
    is_mine: bool,
    pipeline: str | None,
    run_id: UUID | None,
    order: ReviewOrder,
    after: tuple[Any, ...] | None,
    limit: int,
) -> Sequence[Review]:
    """`is_mine`: those that the actor is asked for by name, or by a role that it has."""
    wanted = [_written(assignee)] if assignee is not None else None
    if is_mine:
        mine = _mine(scope.actor)
        wanted = mine if wanted is None else [each for each in wanted if each in mine]
    async with scope.transaction() as connection:
        return await reviews.list_reviews(
            connection,
            scope.organization_id,
            status=status,
            assignees=wanted,
            pipeline=pipeline,
            run_id=run_id,
            order=order,
            after=after,
            limit=limit,
            rows=scope.rows,
        )


async def get_review(scope: Scope, review_id: UUID) -> ReviewDetail:
    """One, with what is to be looked at. Raises NotFoundError."""
    async with scope.transaction() as connection:
        return await _found(scope, connection, review_id)


async def assign(scope: Scope, review_id: UUID, assignee: str | None) -> ReviewDetail:
    """Ask somebody else, or nobody in particular. Raises ConflictError for one that is decided, ForbiddenError, and
    NotFoundError for who is no member.
    """
    async with scope.transaction() as connection:
        found = await _found(scope, connection, review_id)
        _check_rank(scope.actor, found)
        written = None if assignee is None else await _known(scope, connection, assignee)
        if not await reviews.assign(connection, scope.organization_id, review_id, written):
            raise _decided(await _found(scope, connection, review_id))
        return await _found(scope, connection, review_id)


async def decide(
    scope: Scope, review_id: UUID, status: ReviewStatus, *, comment: str | None, corrected: JsonValue = None
) -> ReviewDetail:
    """Decide it, and let its run go on. Raises ConflictError for one that is decided, or whose run has ended, InvalidInputError
    for a corrected value that does not fit, ForbiddenError.
    """
    async with scope.transaction() as connection:
        seen = await _found(scope, connection, review_id)
        _check_rank(scope.actor, seen)
        if status is ReviewStatus.CORRECTED:
            corrected = storable(corrected)
            _check_value(seen, corrected)
        run = await reviews.lock_run(connection, scope.organization_id, seen.run_id)
        if seen.status is ReviewStatus.OPEN and (run is None or run.is_terminal):
            raise ConflictError(f"the run of review {review_id} has ended", hint="nobody needs it any more")
        decided = Decided(
            status,
            by=_name(scope.actor),
            comment=storable_text(comment) if comment else None,
            corrected=corrected,
        )
        if not await reviews.decide(connection, scope.organization_id, seen, decided):
            raise _decided(await _found(scope, connection, review_id))
        found = await _found(scope, connection, review_id)
    scope.wake()
    return found


def _name(actor: Actor) -> str:
    """Of whoever decides. The label of an embedded page is what its host says, and nobody's name here."""
    label = actor.label or actor.kind.value
    return f"{label} (embedded)" if actor.kind is ActorKind.EMBED else label


def _mine(actor: Actor) -> list[str]:
    """What assignees mean the actor: its address, and the roles that it has."""
    roles = [ROLE_PREFIX + role.value for role in _ROLES if role.rank <= actor.role.rank]
    return [*([actor.label.lower()] if actor.kind is ActorKind.USER else []), *roles]


def _written(assignee: str) -> str:
    """An assignee as it is stored."""
    known = {role.value for role in _ROLES}
    return ROLE_PREFIX + assignee if assignee in known else assignee.lower()


async def _known(scope: Scope, connection: Transaction, assignee: str) -> str:
    """The same of one who can decide. Raises NotFoundError."""
    written = _written(assignee)
    if role_of(written) is None and not await members.has_email(connection, scope.organization_id, written):
        raise NotFoundError(
            f"there is no member {assignee!r}", hint="an e-mail of a member, or owner, admin, editor"
        )
    return written


def _check_rank(actor: Actor, review: Review) -> None:
    least = role_of(review.assignee)
    if least is not None and actor.role.rank < least.rank:
        raise ForbiddenError(
            f"review {review.id} is for the role {least.value!r}, and you have {actor.role.value!r}",
            hint=f"ask somebody who is {least.value}",
        )


def _check_value(review: ReviewDetail, corrected: JsonValue) -> None:
    problems = validator(review.schema).problems(corrected) if review.schema else ()
    if problems:
        places = [problem.partition(": ") for problem in problems]
        raise InvalidInputError(
            tuple(Problem("value" + place.rstrip("/"), message) for place, _, message in places)
        )


async def _found(scope: Scope, connection: Transaction, review_id: UUID) -> ReviewDetail:
    found = await reviews.get_review(connection, scope.organization_id, review_id, scope.rows)
    if found is None:
        raise NotFoundError(f"there is no review {review_id}", hint="`tegu reviews` lists them")
    return found


def _decided(review: Review) -> ConflictError:
    who = f" by {review.decided_by}" if review.decided_by else ""
    when = f" at {review.decided_at.isoformat(timespec='seconds')}" if review.decided_at else ""
    return ConflictError(
        f"review {review.id} is {review.status.value} already{who}{when}", hint="the first decision counts"
    )
