"""Deleting contents, and how far it is."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions import erasures
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.contents import ContentId
from tegu.actions.declared.inputs import PageInput
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.page import Page, id_of, page_of
from tegu.domain.privacy import Erasure
from tegu.storage import erasures as store


class Subject(ActionInput):
    """Whose e-mails."""

    address: Annotated[str, Field(max_length=320, description="`name@host`, in whatever case.")]


class ErasureId(ActionInput):
    """Which deletion."""

    erasure_id: UUID


@action(
    "contents.delete",
    effect=Effect.DESTRUCTIVE,
    permission=Permission.CONTENTS_DELETE,
    key="content_id",
    audited=("content_id",),
)
async def delete_content(scope: Scope, asked: ContentId) -> Erasure:
    """Delete a content: its bytes and text, its attachments or messages, and what runs over it asked, were told and put out.
    Runs under way are ended. Counts of tokens and costs stay. Large ones go on after the answer: `erasures.get`.
    """
    return await erasures.delete_content(scope, asked.content_id)


@action("contents.delete_subject", effect=Effect.DESTRUCTIVE, permission=Permission.CONTENTS_DELETE)
async def delete_subject(scope: Scope, asked: Subject) -> Erasure:
    """Delete every e-mail from, to or in copy to an address, with its attachments, as `contents.delete` does with one.

    The address itself is kept until it is done, and in no log.
    """
    return await erasures.delete_subject(scope, asked.address)


@action("erasures.get", effect=Effect.READ, permission=Permission.CONTENTS_READ, key="erasure_id")
async def get_erasure(scope: Scope, asked: ErasureId) -> Erasure:
    """Read how far a deletion is."""
    return await erasures.get_erasure(scope, asked.erasure_id)


@action("erasures.list", effect=Effect.READ, permission=Permission.CONTENTS_READ)
async def list_erasures(scope: Scope, asked: PageInput) -> Page[Erasure]:
    """List deletions of contents, the newest first."""
    async with scope.transaction() as connection:
        found = await store.list_erasures(
            connection, scope.organization_id, after=id_of(asked.cursor), limit=asked.limit + 1
        )
    return page_of(found, asked.limit, lambda erasure: erasure.id)
