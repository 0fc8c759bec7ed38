"""Reviews: list, read, assign and decide them."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, JsonValue, StringConstraints

from tegu.actions import reviews
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import Name, PageInput
from tegu.actions.review_orders import key_after, place_of
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.page import Page, page_of
from tegu.domain.review import COMMENT_LENGTH_MAX, Review, ReviewDetail, ReviewOrder, ReviewStatus

Assignee = Annotated[
    str,
    StringConstraints(min_length=1, max_length=320),
    Field(description="The e-mail of a member, or `owner`, `admin`, `editor`."),
]
Comment = Annotated[
    str | None,
    Field(max_length=COMMENT_LENGTH_MAX, description="Why; the pipeline and the run's readers see it."),
]


ReviewSort = Annotated[
    Literal["-created_at", "created_at", "confidence", "due_at"],
    Field(
        description="Newest first, or oldest; `confidence`: least sure first, unknown last; or what is due first."
    ),
]


class ListReviews(PageInput):
    """Which reviews."""

    sort: ReviewSort = "-created_at"
    status: ReviewStatus | None = None
    assignee: Assignee | None = None
    mine: Annotated[bool, Field(description="Only those that you are asked for, by name or by role.")] = False
    pipeline: Name | None = None
    run_id: UUID | None = None


class ReviewId(ActionInput):
    """Which review."""

    review_id: UUID


class AssignReview(ReviewId):
    """Who is asked; without `assignee` nobody in particular."""

    assignee: Assignee | None = None


class DecideReview(ReviewId):
    """What is decided, and why."""

    comment: Comment = None


class CorrectReview(DecideReview):
    """What it should have been, and why."""

    value: Annotated[JsonValue, Field(description="All of it, as the review's `schema` says.")]


@action("reviews.list", effect=Effect.READ, permission=Permission.REVIEWS_READ)
async def list_reviews(scope: Scope, asked: ListReviews) -> Page[Review]:
    """List reviews, the newest first, without the values that they are about."""
    order = ReviewOrder(asked.sort)
    found = await reviews.list_reviews(
        scope,
        status=asked.status,
        assignee=asked.assignee,
        is_mine=asked.mine,
        pipeline=asked.pipeline,
        run_id=asked.run_id,
        order=order,
        after=key_after(asked.cursor, order),
        limit=asked.limit + 1,
    )
    return page_of(found, asked.limit, lambda review: place_of(review, order))


@action("reviews.get", effect=Effect.READ, permission=Permission.REVIEWS_READ, key="review_id")
async def get_review(scope: Scope, asked: ReviewId) -> ReviewDetail:
    """Read a review: the value, its schema, where in the text it comes from, and what was decided."""
    return await reviews.get_review(scope, asked.review_id)


@action(
    "reviews.approve",
    effect=Effect.WRITE,
    permission=Permission.REVIEWS_WRITE,
    key="review_id",
    audited=("review_id",),
)
async def approve_review(scope: Scope, asked: DecideReview) -> ReviewDetail:
    """Approve what a run asks about; the run goes on at once."""
    return await reviews.decide(scope, asked.review_id, ReviewStatus.APPROVED, comment=asked.comment)


@action(
    "reviews.reject",
    effect=Effect.WRITE,
    permission=Permission.REVIEWS_WRITE,
    key="review_id",
    audited=("review_id",),
)
async def reject_review(scope: Scope, asked: DecideReview) -> ReviewDetail:
    """Reject what a run asks about; the pipeline says whether the run then fails or goes on."""
    return await reviews.decide(scope, asked.review_id, ReviewStatus.REJECTED, comment=asked.comment)


@action(
    "reviews.correct",
    effect=Effect.WRITE,
    permission=Permission.REVIEWS_WRITE,
    key="review_id",
    audited=("review_id",),
)
async def correct_review(scope: Scope, asked: CorrectReview) -> ReviewDetail:
    """Approve with another value in place of the one that was asked about; the run goes on with it."""
    return await reviews.decide(
        scope, asked.review_id, ReviewStatus.CORRECTED, comment=asked.comment, corrected=asked.value
    )


@action(
    "reviews.assign",
    effect=Effect.WRITE,
    permission=Permission.REVIEWS_WRITE,
    key="review_id",
    audited=("review_id", "assignee"),
    is_idempotent=True,
)
async def assign_review(scope: Scope, asked: AssignReview) -> ReviewDetail:
    """Ask somebody else to decide, or nobody in particular."""
    return await reviews.assign(scope, asked.review_id, asked.assignee)
