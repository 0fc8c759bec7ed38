"""Author code that is wrong in what it says about a stage or a pipeline: see `wires`."""

from collections.abc import Callable
from typing import Any

from author_stages import Refund, amount_of, refund_request

from tegu import Document, MailThread, Pipeline, StageContext, stage


def an_option_that_no_stage_has() -> Pipeline[MailThread]:
    """stages.summary.retires: a stage has no key 'retires'"""
    email = Pipeline("case", input=MailThread)
    email.summarize("summary", retires=3)  # error: reportCallIssue
    return email


def an_option_that_no_python_stage_has() -> Pipeline[Document]:
    """stages.amount.timeout: a stage has no key 'timeout'"""
    papers = Pipeline("case", input=Document)
    papers.stage("amount", amount_of, papers.extract("refund", Refund), timeout=3)  # error: reportCallIssue
    return papers


def a_word_of_other_tools() -> Pipeline[MailThread]:
    """stages.summary.depends_on: a stage has no key 'depends_on'"""
    email = Pipeline("case", input=MailThread)
    route = email.classify("route", labels=["a", "b"])
    email.summarize("summary", depends_on=[route])  # error: reportCallIssue
    return email


def an_option_of_the_wrong_type() -> Pipeline[MailThread]:
    """stages.summary.retries: '3' is not allowed"""
    email = Pipeline("case", input=MailThread)
    email.summarize("summary", retries="3")  # error: reportArgumentType
    return email


def a_condition_that_is_a_function() -> Pipeline[MailThread]:
    """stages.summary.when: <class 'bool'> cannot stand in a document"""
    email = Pipeline("case", input=MailThread)
    condition: Callable[[Any], bool] = bool
    email.summarize("summary", when=condition)  # error: reportArgumentType
    return email


def labels_that_mean_numbers() -> Pipeline[MailThread]:
    """stages.route.with.labels.a: must be text, not a number"""
    email = Pipeline("case", input=MailThread)
    email.classify("route", labels={"a": 1, "b": 2})  # error: reportArgumentType
    return email


def labels_as_one_text() -> Pipeline[MailThread]:
    """stages.route.with.labels: must be a mapping or a list, not text"""
    email = Pipeline("case", input=MailThread)
    email.classify("route", labels="a, b")  # error: reportArgumentType
    return email


def no_labels() -> Pipeline[MailThread]:
    """raises: labels"""
    email = Pipeline("case", input=MailThread)
    email.classify("route")  # error: reportCallIssue
    return email


def an_output_that_is_a_value() -> Pipeline[MailThread]:
    """stages.refund.with.schema: is no type"""
    email = Pipeline("case", input=MailThread)
    email.extract("refund", Refund(order="A-1", amount=1))  # error: reportArgumentType
    return email


def an_output_that_is_a_name() -> Pipeline[MailThread]:
    """stages.refund.with.schema: is no type"""
    email = Pipeline("case", input=MailThread)
    email.extract("refund", "Refund")  # error: reportArgumentType
    return email


def a_prompt_without_instructions() -> Pipeline[MailThread]:
    """raises: instructions"""
    email = Pipeline("case", input=MailThread)
    email.prompt("reply", Refund)  # error: reportCallIssue
    return email


def instructions_that_are_a_list() -> Pipeline[MailThread]:
    """stages.reply.with.instructions: must be text, not a list"""
    email = Pipeline("case", input=MailThread)
    email.prompt("reply", Refund, instructions=["Answer", "it"])  # error: reportArgumentType
    return email


def pages_that_are_a_list() -> Pipeline[Document]:
    """stages.parse.with.pages: must be a whole number or text or nothing, not a list"""
    papers = Pipeline("case", input=Document)
    papers.parse(pages=[1, 2])  # error: reportArgumentType
    return papers


def an_input_that_is_no_source() -> Any:
    """input: 'str' is no input"""
    return Pipeline("case", input=str)  # error: reportArgumentType


def a_setting_of_another_kind() -> Pipeline[MailThread]:
    """stages.route.sentences_max: a stage has no key 'sentences_max'"""
    email = Pipeline("case", input=MailThread)
    email.classify("route", labels=["a", "b"], sentences_max=2)  # error: reportCallIssue
    return email


def a_result_without_a_word_for_it() -> Pipeline[MailThread]:
    """stages.summary.result: must be false or a mapping, not text"""
    email = Pipeline("case", input=MailThread)
    email.summarize("summary", result="none")  # error: reportArgumentType
    return email


def a_version_that_is_text() -> None:
    """raises: is out of range"""

    @stage(version="1")  # error: reportArgumentType
    async def late(thread: MailThread, ctx: StageContext) -> str:
        return thread.subject

    del late


def an_option_that_a_declaration_has_not() -> None:
    """raises: retry"""

    @stage(version=1, retry=3)  # error: reportCallIssue
    async def late(thread: MailThread, ctx: StageContext) -> str:
        return thread.subject

    del late


def a_stage_that_is_called() -> Pipeline[MailThread]:
    """raises: "'refund_request'" is not a stage"""
    email = Pipeline("case", input=MailThread)
    route = email.classify("route", labels=["a", "b"])
    email.stage("refund", "refund_request", email.source, route)  # error: reportArgumentType
    return email


async def a_forgotten_await(thread: MailThread, ctx: StageContext) -> float:
    """not executable: only the type checker sees it before it runs"""
    refund = ctx.llm.fill(Refund, instructions="The refund.", inputs=[thread])
    return refund.amount  # error: reportAttributeAccessIssue


async def a_wrong_return(thread: MailThread, ctx: StageContext) -> Refund:
    """not executable: only the type checker sees it before it runs"""
    return await ctx.llm.generate("The refund.", [thread])  # error: reportReturnType


async def a_method_that_no_context_has(thread: MailThread, ctx: StageContext) -> str:
    """not executable: only the type checker sees it before it runs"""
    return str(ctx.llm.complete("The refund.", [thread]))  # error: reportAttributeAccessIssue


async def inputs_in_the_wrong_order(thread: MailThread, ctx: StageContext) -> Refund:
    """not executable: the function stays the plain function"""
    return await refund_request(ctx, thread)  # error: reportCallIssue


def a_type_that_is_forgotten() -> None:
    """raises: does not say the type of thread"""

    @stage  # error: reportUnknownArgumentType
    async def late(thread, ctx: StageContext) -> str:  # noqa: ANN001  # error: reportMissingParameterType
        return ctx.stage

    del late
