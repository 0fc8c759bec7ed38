"""Tokens with which a page of a host application shows one run, or one review.

Called by the declared action and by authentication. Invariants: a token opens what whoever made it may see, and no more than one run
(with those that it started) or one review; it ends by itself, and before that with what let its maker in, or when it is revoked.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from tegu.actions.machinery import Machinery
from tegu.actions.ranks import check_changes
from tegu.actions.reviews import get_review
from tegu.actions.runs import get_run
from tegu.actions.scope import Scope
from tegu.actions.tokens import hash_of, new_embed_token
from tegu.domain.actor import Actor, ActorKind, Permission
from tegu.domain.embedding import Embedded, EmbedToken, GoodEmbedToken
from tegu.domain.errors import ConflictError, ForbiddenError, NotFoundError, UnauthenticatedError, UsageError
from tegu.storage import embed_tokens as store

TOKENS_MAX = 10_000
"""That one user or key has made, and that are good."""
TTL_S_MIN, TTL_S_MAX, TTL_S = 30, 3600, 900
_READS = frozenset({Permission.RUNS_READ, Permission.CONTENTS_READ, Permission.PIPELINES_READ})
_REVIEWS = frozenset({Permission.RUNS_READ, Permission.CONTENTS_READ, Permission.REVIEWS_READ})
_DECIDES = _REVIEWS | {Permission.REVIEWS_WRITE}


async def make(
    scope: Scope,
    *,
    run_id: UUID | None,
    review_id: UUID | None,
    may: Embedded,
    ttl_s: int,
    label: str,
) -> EmbedToken:
    """Make one. Raises UsageError, ForbiddenError for what one may not do oneself, NotFoundError, ConflictError."""
    if (run_id is None) == (review_id is None):
        raise UsageError("a token is for one run or one review", hint="give `run_id` or `review_id`")
    if may is Embedded.DECIDE and review_id is None:
        raise UsageError("only a review can be decided", hint="give `review_id` in place of `run_id`")
    beyond = sorted(_needed(review_id, may) - scope.actor.permissions)
    if beyond:
        raise ForbiddenError(
            f"the token would need {beyond[0].value!r}, which you have not",
            hint="a token does at most what its maker may",
        )
    if run_id is not None:
        await get_run(scope, run_id)
    else:
        assert review_id is not None
        await get_review(scope, review_id)
    token = new_embed_token()
    new = store.NewEmbedToken(hash_of(token), label, run_id, review_id, may, ttl_s)
    async with scope.transaction() as connection:
        if await store.count_tokens(connection, scope.organization_id, scope.actor) >= TOKENS_MAX:
            raise ConflictError(
                f"there are {TOKENS_MAX} tokens of embedded pages that you made",
                hint="make them for a shorter time",
            )
        token_id = await store.add_token(connection, scope.organization_id, scope.actor, new)
    expires_at = datetime.now(UTC) + timedelta(seconds=ttl_s)
    return EmbedToken(token_id, token, label, run_id, review_id, may, expires_at)


async def revoke(scope: Scope, token_id: UUID) -> GoodEmbedToken:
    """End one before its time, also one that somebody else made. Raises NotFoundError, ForbiddenError."""
    async with scope.transaction() as connection:
        found = await store.find_good_token(connection, scope.organization_id, token_id, scope.rows)
        if found is None:
            raise NotFoundError(
                f"there is no token {token_id} that is good",
                hint="`tegu embed-tokens list` has those that are",
            )
        check_changes(scope, found.role)
        await store.remove_token(connection, scope.organization_id, token_id)
    return found


async def actor_of(machinery: Machinery, token: str) -> Actor:
    """Who has a token. Raises UnauthenticatedError."""
    found = await store.find_token(await machinery.database.engine(), hash_of(token))
    if found is None:
        raise UnauthenticatedError(
            "the token opens nothing, or not any more", hint="the host application makes a new one"
        )
    if found.is_expired:
        raise UnauthenticatedError(
            "the token has expired",
            code="token_expired",
            hint="the host application makes a new one: `embed_tokens.create`",
        )
    async with machinery.database.transaction(found.organization_id) as connection:
        reach = await store.reach_of(connection, found)
    return Actor(
        found.organization_id,
        ActorKind.EMBED,
        found.role,
        id=found.id,
        label=found.label,
        scopes=_needed(found.review_id, found.may),
        pipelines=found.pipelines,
        reach=reach,
        made_by=found.made_by,
    )


def _needed(review_id: UUID | None, may: Embedded) -> frozenset[Permission]:
    if review_id is None:
        return _READS
    return _DECIDES if may is Embedded.DECIDE else _REVIEWS
