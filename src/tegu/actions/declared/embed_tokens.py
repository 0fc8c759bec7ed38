"""Tokens for the web components `<tegu-run>` and `<tegu-review>` in pages of host applications."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from tegu.actions import embed_tokens
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import PageInput
from tegu.actions.embed_tokens import TTL_S, TTL_S_MAX, TTL_S_MIN
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.embedding import Embedded, EmbedToken, GoodEmbedToken
from tegu.domain.page import Page, id_of, page_of
from tegu.domain.plain_text import checked_line
from tegu.storage import embed_tokens as store


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
        AfterValidator(checked_line),
        Field(description="Whom it is for: what a review and the audit log say of who decided."),
    ] = "embedded page"


class ListEmbedTokens(PageInput):
    """Of what; without that, all of them."""

    run_id: UUID | None = None
    review_id: UUID | None = None


class EmbedTokenId(ActionInput):
    """Which token."""

    token_id: UUID


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


@action("embed_tokens.list", effect=Effect.READ, permission=Permission.EMBEDS_READ)
async def list_embed_tokens(scope: Scope, asked: ListEmbedTokens) -> Page[GoodEmbedToken]:
    """List the tokens of embedded pages that are good, the newest first: what is open now, for whom, and until when."""
    async with scope.transaction() as connection:
        found = await store.list_tokens(
            connection,
            scope.organization_id,
            run_id=asked.run_id,
            review_id=asked.review_id,
            after=id_of(asked.cursor),
            limit=asked.limit + 1,
            rows=scope.rows,
        )
    return page_of(found, asked.limit, lambda token: token.id)


@action(
    "embed_tokens.revoke",
    effect=Effect.DESTRUCTIVE,
    permission=Permission.EMBEDS_WRITE,
    key="token_id",
    audited=("token_id",),
)
async def revoke_embed_token(scope: Scope, asked: EmbedTokenId) -> GoodEmbedToken:
    """End a token of an embedded page before its time: it opens nothing from now on, and streams that it opened end."""
    return await embed_tokens.revoke(scope, asked.token_id)
