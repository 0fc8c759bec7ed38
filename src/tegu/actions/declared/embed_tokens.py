"""Tokens for the web components `<tegu-run>` and `<tegu-review>` in pages of host applications."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from tegu.actions import embed_tokens
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.embed_tokens import TTL_S, TTL_S_MAX, TTL_S_MIN
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.embedding import Embedded, EmbedToken


class CreateEmbedToken(ActionInput):
    """What is to be shown, one run or one review, and to whom."""

    run_id: UUID | None = None
    review_id: UUID | None = None
    may: Annotated[Embedded, Field(description="`decide`: a review, too.")] = Embedded.READ
    ttl_s: Annotated[int, Field(ge=TTL_S_MIN, le=TTL_S_MAX, description="Seconds that it is good for.")] = (
        TTL_S
    )
    label: Annotated[
        str,
        StringConstraints(min_length=1, max_length=200),
        Field(description="Whom it is for: what a review and the audit log say of who decided."),
    ] = "embedded page"


@action(
    "embed_tokens.create",
    effect=Effect.WRITE,
    permission=Permission.EMBEDS_WRITE,
    audited=("run_id", "review_id", "may", "ttl_s", "label"),
)
async def create_embed_token(scope: Scope, asked: CreateEmbedToken) -> EmbedToken:
    """Make a token that shows one run, or one review, in a page of your own application. It is in the answer, and never shown again;
    it ends by itself, and with what let you in.
    """
    return await embed_tokens.make(
        scope,
        run_id=asked.run_id,
        review_id=asked.review_id,
        may=asked.may,
        ttl_s=asked.ttl_s,
        label=asked.label,
    )
