"""The email_analysis pipeline of the documentation, with its Python stage: what the tests of testing are about."""

from pydantic import BaseModel

from tegu import Classification, MailThread, Pipeline, StageContext, Summary, stage


class Entities(BaseModel):
    people: list[str]
    amounts: list[str]


class Refund(BaseModel):
    order: str
    amount: float


@stage(version=1, retries=3, timeout_s=90)
async def refund_request(thread: MailThread, route: Classification, ctx: StageContext) -> Refund:
    """Read the refund that a customer asks for."""
    return await ctx.llm.fill(Refund, instructions="The refund asked for.", inputs=[thread])


def email_analysis() -> Pipeline[MailThread]:
    email = Pipeline("email_analysis", input=MailThread)
    entities = email.extract("extract", Entities, instructions="People and amounts.")
    route = email.classify(
        "classify",
        labels={"support": "asks for help", "sales": "wants to buy", "general": "anything else"},
    )
    email.prompt(
        "summarize",
        Summary,
        instructions="Two sentences and the next step.",
        inputs=[email.source, entities, route],
    )
    email.stage(
        "refund",
        refund_request,
        email.source,
        route,
        when="classify.category == 'support' && classify.confidence > 0.7",
    )
    return email


MAILS = "My kettle arrived broken. I want my 49.90 EUR for order A-1001 back. Maria"
SUPPORT = {"category": "support", "confidence": 0.9}
REPLIES: dict[str, object] = {
    "extract": {"people": ["Maria"], "amounts": ["49.90 EUR"]},
    "classify": SUPPORT,
    "summarize": {"summary": "Maria wants a refund. Pay it."},
    "refund": {"order": "A-1001", "amount": 49.9},
}
