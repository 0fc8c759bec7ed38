"""Author code that type checkers accept: what each way of adding a stage gives, and where it may be wired."""

from dataclasses import dataclass
from pathlib import Path
from typing import assert_type

from pydantic import BaseModel, JsonValue
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from tegu import (
    Classification,
    Content,
    Document,
    Extraction,
    MailThread,
    Pipeline,
    StageContext,
    Summary,
    otherwise,
    stage,
)
from tegu.domain.json import JsonObject
from tegu.pipeline.node import Items, Node
from tegu.pipeline.outputs import Chunks, Collected, Deduped, Entity, Merged, Text


class Refund(BaseModel):
    order: str
    amount: float


class Item(BaseModel):
    name: str


class BigItem(Item):
    size: int


@dataclass
class Parcel:
    weight: float


class Address(TypedDict):
    city: str


@stage
async def bare(text: str, ctx: StageContext) -> str:
    return await ctx.llm.generate("Sum it up.", [text])


@stage(version=2, retries=3, timeout_s=90)
async def refund_request(thread: MailThread, route: Classification, ctx: StageContext) -> Refund:
    """Read the refund that a customer asks for."""
    return await ctx.llm.fill(Refund, instructions=f"The refund for {route.category}.", inputs=[thread])


@stage
def amount_of(refund: Refund, ctx: StageContext) -> float:
    return refund.amount


@stage
async def goes_on(refund: Refund | None, route: Classification | None, ctx: StageContext) -> list[Item]:
    return [] if refund is None or route is None else [Item(name=refund.order)]


@stage
async def first(items: list[Item], ctx: StageContext) -> Item:
    return items[0]


@stage
async def named(item: Item, ctx: StageContext) -> str:
    return item.name


@stage
def nothing_in(ctx: StageContext) -> Parcel:
    return Parcel(float(ctx.attempt))


@stage
async def six(
    a: MailThread,
    b: Refund,
    c: Classification,
    d: Parcel,
    e: Address,
    f: Summary | None,
    ctx: StageContext,
) -> dict[str, float]:
    return {"a": b.amount}


def everything() -> Pipeline[MailThread]:
    email = Pipeline("everything", input=MailThread, model="rules", description="All kinds of handles.")
    assert_type(email.source, Node[MailThread])
    assert_type(email.text, Node[str])
    found = email.extract("found")
    assert_type(found, Node[Extraction])
    items = email.extract("items", BigItem, instructions="The items.", max_tokens=500)
    assert_type(items, Node[BigItem])
    words = email.extract("words", {"words": "list[str]"})
    assert_type(words, Node[dict[str, JsonValue]])
    route = email.classify("route", labels={"support": "asks for help", "other": "anything else"})
    assert_type(route, Node[Classification])
    listed = email.classify("listed", labels=["a", "b"], inputs=[email.source, found])
    assert_type(listed, Node[Classification])
    summary = email.summarize("summary", sentences_max=2, needs=[route])
    assert_type(summary, Node[Summary])
    address = email.prompt("address", Address, instructions="Where it goes.")
    assert_type(address, Node[Address])
    assert_type(email.prompt("reply", instructions="Answer it."), Node[Text])

    refund = email.stage("refund", refund_request, email.source, route)
    assert_type(refund, Node[Refund])
    parcel = email.stage("parcel", nothing_in)
    assert_type(parcel, Node[Parcel])
    assert_type(email.stage("short", bare, email.text), Node[str])
    assert_type(email.stage("amount", amount_of, refund), Node[float])
    # A subtype goes where its base is taken.
    assert_type(email.stage("name", named, items), Node[str])
    many = email.stage("six", six, email.source, refund, route, parcel, address, summary.optional())
    assert_type(many, Node[dict[str, float]])
    return email


def with_conditions() -> Pipeline[MailThread]:
    email = Pipeline("with_conditions", input=MailThread)
    route = email.classify("route", labels={"support": "asks for help", "other": "anything else"})
    refund = email.stage("refund", refund_request, email.source, route, when="route.category == 'support'")
    assert_type(refund, Node[Refund | None])
    # It goes where None is taken ...
    items = email.stage("items", goes_on, refund, route.optional())
    assert_type(items, Node[list[Item]])
    assert_type(email.stage("first", first, items), Node[Item])
    # ... or its readers are skipped with it.
    assert_type(refund.required(), Node[Refund])
    assert_type(email.stage("amount", amount_of, refund.required()), Node[float])
    again = email.classify("again", labels=["a"], needs=[route], when="route.confidence < 0.5")
    assert_type(again, Node[Classification | None])
    email.summarize("summary", inputs=[email.source, refund, items])
    return email


def over_documents() -> Pipeline[Document]:
    papers = Pipeline("over_documents", input=Document)
    page = papers.parse(pages=1, characters_max=2000)
    assert_type(page, Node[Document])
    papers.extract("fields", Refund, inputs=[page], result={"type": "refund"}, retries=0, timeout_s=30)
    papers.add("other", "summarize", config={"sentences_max": 1}, result=False)
    return papers


def cut_and_gathered() -> Pipeline[Document]:
    papers = Pipeline("cut_and_gathered", input=Document)
    chunks = papers.split("chunks", size=2000, overlap=100)
    assert_type(chunks, Node[Chunks])
    assert_type(papers.split("pages", by="pages", when="run.metadata != null"), Node[Chunks | None])
    one = papers.extract("one", Refund)
    two = papers.extract("two", Refund)
    assert_type(papers.merge("both", [one, two], prefer="last"), Node[Merged])
    together = papers.collect("together", [one, two.optional()])
    assert_type(together, Node[Collected])
    assert_type(papers.collect("named", [one, two], form="object", take="order"), Node[JsonObject])
    assert_type(papers.dedupe("each_once", together, key=["order"], normalize=["case"]), Node[Deduped])
    return papers


def over_contents() -> Pipeline[Content]:
    @stage
    def size_of(content: Content, ctx: StageContext) -> int:
        return content.size_bytes

    contents = Pipeline("over_contents", input=Content)
    assert_type(contents.stage("size", size_of, contents.source), Node[int])
    return contents


@stage
async def entity_name(entity: Entity, ctx: StageContext) -> str:
    return entity.name


@stage
async def in_thread(thread: MailThread, item: Item, ctx: StageContext) -> Refund:
    return Refund(order=item.name, amount=float(len(thread.messages)))


@stage
async def all_names(names: list[str], ctx: StageContext) -> int:
    return len(names)


@stage
async def some_names(names: list[str | None], ctx: StageContext) -> int:
    return len(names)


def with_maps() -> Pipeline[MailThread]:
    email = Pipeline("with_maps", input=MailThread, deadline_s=3600, priority="high")
    found = email.extract("found")
    entities = found.items(lambda output: output.entities, max_parallel=5)
    assert_type(entities, Items[Entity])
    names = email.stage("names", entity_name, each=entities)
    assert_type(names, Node[list[str]])
    assert_type(email.stage("count", all_names, names), Node[int])
    some = email.stage("some", entity_name, each=entities.skip_failed(at_most=0.2))
    assert_type(some, Node[list[str | None]])
    assert_type(email.stage("count_some", some_names, some), Node[int])
    # A list is an output of its own, too, and what a stage reads besides comes before the item.
    items = email.extract("items", list[Item], instructions="The items.")
    assert_type(email.stage("refunds", in_thread, email.source, each=items.items()), Node[list[Refund]])
    sums = email.summarize("sums", inputs=[], each=entities)
    assert_type(sums, Node[list[Summary]])
    routes = email.classify("routes", labels=["a", "b"], each=names.items(), when="item != 'nobody'")
    assert_type(routes, Node[list[Classification | None]])
    replies = email.prompt("replies", Refund, instructions="?", each=found.items("entities").skip_failed())
    assert_type(replies, Node[list[Refund | None]])
    return email


def with_branches_and_failures() -> Pipeline[MailThread]:
    email = Pipeline("with_branches_and_failures", input=MailThread, output="answer")
    route = email.classify("route", labels=["support", "other"])
    mend = email.summarize("mend", needs=[route])
    refund = email.stage(
        "refund", refund_request, email.source, route, when="route.category == 'support'", on_failure=mend
    )
    rest = email.summarize("rest", when=otherwise(refund), retries={"default": 1, "timeout": 5})
    assert_type(rest, Node[Summary | None])
    late = email.summarize("late", on_failure="continue", deadline_s=60)
    # Where a stage does not wait for all, whatever it reads may be absent, and is written so.
    answer = email.prompt("answer", instructions="?", inputs=[refund, rest, late], join="any", cancels=[late])
    assert_type(answer, Node[Text])
    email.summarize("all", inputs=[answer], join="settled", cancels="*")
    return email


async def a_stage_is_the_plain_function(thread: MailThread, ctx: StageContext) -> float:
    refund = await refund_request(thread, route=Classification(category="support", confidence=1), ctx=ctx)
    return amount_of(refund, ctx)


def instructions_in_a_file(folder: Path) -> Pipeline[Document]:
    papers = Pipeline("instructions_in_a_file", input=Document)
    papers.prompt("answer", instructions=folder / "answer.md")
    return papers
