"""What the cases share."""

from dataclasses import dataclass

from pydantic import BaseModel
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from tegu import Classification, Content, Document, MailThread, Reviewed, StageContext, stage
from tegu.pipeline.outputs import Entity


class Refund(BaseModel):
    order: str
    amount: float


@dataclass
class Parcel:
    weight: float


class Route(TypedDict):
    road: str


@stage(version=1)
async def refund_request(thread: MailThread, route: Classification, ctx: StageContext) -> Refund:
    return Refund(order=thread.subject, amount=route.confidence)


@stage(version=1)
def amount_of(refund: Refund, ctx: StageContext) -> float:
    return refund.amount


@stage(version=1)
def weight_of(parcel: Parcel, ctx: StageContext) -> float:
    return parcel.weight


@stage(version=1)
async def first(items: list[Refund], ctx: StageContext) -> Refund:
    return items[0]


@stage(version=1)
async def a_page(document: Document, ctx: StageContext) -> str:
    return document.text


@stage(version=1)
async def a_thread(thread: MailThread, ctx: StageContext) -> str:
    return thread.subject


@stage(version=1)
async def size_of(content: Content, ctx: StageContext) -> int:
    return content.size_bytes


@stage(version=1)
async def name_of(entity: Entity, ctx: StageContext) -> str:
    return entity.name


@stage(version=1)
async def all_names(names: list[str], ctx: StageContext) -> int:
    return len(names)


@stage(version=1)
def reviewed_refund(approved: Reviewed[Refund], ctx: StageContext) -> str:
    return approved.value.order
