"""Author code that is wrong, and is refused twice: by the type checker on the marked line, and when it is loaded.

Each function is a case. Its docstring says what the load says: the place, and words of the message.
"""

from author_stages import (
    Parcel,
    Refund,
    Route,
    a_page,
    a_thread,
    amount_of,
    first,
    refund_request,
    size_of,
    weight_of,
)

from tegu import Classification, Document, MailThread, Pipeline, StageContext, stage


def swapped_inputs() -> Pipeline[MailThread]:
    """stages.refund.inputs[0]: parameter 'thread' (MailThread) takes 'source', not the output of a stage"""
    email = Pipeline("case", input=MailThread)
    route = email.classify("route", labels=["a", "b"])
    email.stage("refund", refund_request, route, email.source)  # error: reportArgumentType
    return email


def a_missing_input() -> Pipeline[MailThread]:
    """stages.refund.inputs: takes 2 inputs"""
    email = Pipeline("case", input=MailThread)
    email.stage("refund", refund_request, email.source)  # error: reportArgumentType
    return email


def an_input_too_many() -> Pipeline[MailThread]:
    """stages.refund.inputs: and 3 are wired"""
    email = Pipeline("case", input=MailThread)
    route = email.classify("route", labels=["a", "b"])
    more = email.summarize("more")
    email.stage("refund", refund_request, email.source, route, more)  # error: reportArgumentType
    return email


def no_inputs_at_all() -> Pipeline[MailThread]:
    """stages.refund.inputs: and 0 are wired"""
    email = Pipeline("case", input=MailThread)
    email.stage("refund", refund_request)  # error: reportArgumentType
    return email


def a_wrong_model() -> Pipeline[MailThread]:
    """stages.amount.inputs[0]: does not fit parameter 'refund' (Refund): it has no .order"""
    email = Pipeline("case", input=MailThread)
    route = email.classify("route", labels=["a", "b"])
    email.stage("amount", amount_of, route)  # error: reportArgumentType
    return email


def one_for_a_list() -> Pipeline[Document]:
    """stages.first.inputs[0]: it is object, not array"""
    papers = Pipeline("case", input=Document)
    refund = papers.extract("refund", Refund)
    papers.stage("first", first, refund)  # error: reportArgumentType
    return papers


def a_list_for_one() -> Pipeline[Document]:
    """stages.amount.inputs[0]: it is array, not object"""
    papers = Pipeline("case", input=Document)
    refunds = papers.extract("refunds", list[Refund])
    papers.stage("amount", amount_of, refunds)  # error: reportArgumentType
    return papers


def a_number_for_a_model() -> Pipeline[Document]:
    """stages.again.inputs[0]: it is number, not object"""
    papers = Pipeline("case", input=Document)
    amount = papers.stage("amount", amount_of, papers.extract("refund", Refund))
    papers.stage("again", amount_of, amount)  # error: reportArgumentType
    return papers


def a_dataclass_for_another() -> Pipeline[Document]:
    """stages.weight.inputs[0]: it has no .weight"""
    papers = Pipeline("case", input=Document)
    refund = papers.extract("refund", Refund)
    papers.stage("weight", weight_of, refund)  # error: reportArgumentType
    return papers


def a_typed_dict_for_a_model() -> Pipeline[Document]:
    """stages.amount.inputs[0]: it has no .order"""
    papers = Pipeline("case", input=Document)
    route = papers.prompt("route", Route, instructions="Which way?")
    papers.stage("amount", amount_of, route)  # error: reportArgumentType
    return papers


def a_document_stage_over_mail() -> Pipeline[MailThread]:
    """stages.page.inputs[0]: does not take the mail_thread that 'source' is"""
    email = Pipeline("case", input=MailThread)
    email.stage("page", a_page, email.source)  # error: reportArgumentType
    return email


def a_mail_stage_over_documents() -> Pipeline[Document]:
    """stages.thread.inputs[0]: does not take the content that 'source' is"""
    papers = Pipeline("case", input=Document)
    papers.stage("thread", a_thread, papers.source)  # error: reportArgumentType
    return papers


def a_content_stage_over_mail() -> Pipeline[MailThread]:
    """stages.size.inputs[0]: does not take the mail_thread that 'source' is"""
    email = Pipeline("case", input=MailThread)
    email.stage("size", size_of, email.source)  # error: reportArgumentType
    return email


def an_output_for_the_source() -> Pipeline[MailThread]:
    """stages.thread.inputs[0]: takes 'source', not the output of a stage"""
    email = Pipeline("case", input=MailThread)
    summary = email.summarize("summary")
    email.stage("thread", a_thread, summary)  # error: reportArgumentType
    return email


def optional_into_what_takes_no_none() -> Pipeline[MailThread]:
    """stages.refund.inputs[1]: 'route' may be missing, and parameter 'route' (Classification) does not take None"""
    email = Pipeline("case", input=MailThread)
    route = email.classify("route", labels=["a", "b"])
    email.stage("refund", refund_request, email.source, route.optional())  # error: reportArgumentType
    return email


def conditional_into_what_takes_no_none() -> Pipeline[MailThread]:
    """stages.refund.inputs[1]: 'route' may be missing, and parameter 'route' (Classification) does not take None"""
    email = Pipeline("case", input=MailThread)
    route = email.classify("route", labels=["a", "b"], when="run.metadata.attempt == 1")
    email.stage("refund", refund_request, email.source, route)  # error: reportArgumentType
    return email


def a_conditional_python_stage_into_what_takes_no_none() -> Pipeline[MailThread]:
    """stages.amount.inputs[0]: 'refund' may be missing"""
    email = Pipeline("case", input=MailThread)
    route = email.classify("route", labels=["a", "b"])
    refund = email.stage("refund", refund_request, email.source, route, when="route.category == 'a'")
    email.stage("amount", amount_of, refund)  # error: reportArgumentType
    return email


def a_name_for_a_handle() -> Pipeline[MailThread]:
    """stages.refund.inputs[1]: 'route' is no handle of a stage"""
    email = Pipeline("case", input=MailThread)
    email.classify("route", labels=["a", "b"])
    email.stage("refund", refund_request, email.source, "route")  # error: reportArgumentType
    return email


def names_for_handles() -> Pipeline[MailThread]:
    """stages.summary.inputs[0]: 'route' is no handle of a stage"""
    email = Pipeline("case", input=MailThread)
    email.classify("route", labels=["a", "b"])
    email.summarize("summary", inputs=["route"])  # error: reportArgumentType
    return email


def one_handle_for_a_list_of_them() -> Pipeline[MailThread]:
    """stages.summary.inputs: must be a list of handles, not one"""
    email = Pipeline("case", input=MailThread)
    email.summarize("summary", inputs=email.source)  # error: reportArgumentType
    return email


def need_that_is_no_handle() -> Pipeline[MailThread]:
    """stages.summary.needs[0]: 'route' is no handle of a stage"""
    email = Pipeline("case", input=MailThread)
    email.classify("route", labels=["a", "b"])
    email.summarize("summary", needs=["route"])  # error: reportArgumentType
    return email


def a_function_without_a_context() -> Pipeline[MailThread]:
    """raises: the last parameter of stage 'forgot' is route: Classification, no context"""

    @stage
    async def forgot(thread: MailThread, route: Classification) -> Parcel:
        return Parcel(route.confidence)

    email = Pipeline("case", input=MailThread)
    email.stage("forgot", forgot, email.source)  # error: reportArgumentType
    return email


def a_context_that_stands_first() -> Pipeline[MailThread]:
    """raises: the last parameter of stage 'backwards' is thread: MailThread, no context"""

    @stage
    async def backwards(ctx: StageContext, thread: MailThread) -> str:
        return thread.subject

    email = Pipeline("case", input=MailThread)
    email.stage("backwards", backwards, email.source)  # error: reportArgumentType
    return email


def something_else_for_the_context() -> Pipeline[MailThread]:
    """raises: the last parameter of stage 'wrong' is ctx: str, no context"""

    @stage
    async def wrong(thread: MailThread, ctx: str) -> str:
        return thread.subject + ctx

    email = Pipeline("case", input=MailThread)
    email.stage("wrong", wrong, email.source)  # error: reportArgumentType
    return email
