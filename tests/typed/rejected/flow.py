"""Author code that is wrong in how its stages join, branch, fail and map: see `wires`."""

from author_stages import Refund, all_names, amount_of, name_of, refund_request

from tegu import Document, MailThread, Pipeline, otherwise


def a_list_that_is_not_there() -> Pipeline[Document]:
    """stages.names.each: the output of 'found' has no field 'entitys'"""
    papers = Pipeline("case", input=Document)
    found = papers.extract("found")
    items = found.items(lambda output: output.entitys)  # error: reportAttributeAccessIssue
    papers.stage("names", name_of, each=items)  # error: reportUnknownArgumentType
    return papers


def a_field_that_is_no_list() -> Pipeline[Document]:
    """stages.names.each: 'refund.amount' is a number, no list"""
    papers = Pipeline("case", input=Document)
    refund = papers.extract("refund", Refund)
    items = refund.items(lambda output: output.amount)  # error: reportCallIssue
    papers.summarize("names", each=items)  # error: reportUnknownArgumentType
    return papers


def an_output_that_is_no_list() -> Pipeline[Document]:
    """stages.sums.each: 'refund' is a mapping, no list"""
    papers = Pipeline("case", input=Document)
    refund = papers.extract("refund", Refund)
    papers.summarize("sums", each=refund.items())  # error: reportCallIssue
    return papers


def items_of_another_type() -> Pipeline[Document]:
    """stages.amounts.inputs[0]: the item does not fit parameter 'refund' (Refund): it has no .order"""
    papers = Pipeline("case", input=Document)
    items = papers.extract("found").items(lambda output: output.entities)
    papers.stage("amounts", amount_of, each=items)  # error: reportArgumentType
    return papers


def a_map_for_one() -> Pipeline[Document]:
    """stages.amount.inputs[0]: it is array, not object"""
    papers = Pipeline("case", input=Document)
    items = papers.extract("found").items(lambda output: output.entities)
    refunds = papers.prompt("refunds", Refund, instructions="?", each=items)
    papers.stage("amount", amount_of, refunds)  # error: reportArgumentType
    return papers


def items_that_may_fail_where_none_may() -> Pipeline[Document]:
    """stages.count.inputs[0]: [] is null, not string"""
    papers = Pipeline("case", input=Document)
    found = papers.extract("found")
    names = papers.stage("names", name_of, each=found.items(lambda output: output.entities).skip_failed())
    papers.stage("count", all_names, names)  # error: reportArgumentType
    return papers


def a_path_for_items() -> Pipeline[Document]:
    """stages.names.each: 'found.category' is text, no list"""
    papers = Pipeline("case", input=Document)
    papers.extract("found")
    papers.summarize("names", each="found.category")  # error: reportArgumentType
    return papers


def an_else_branch_into_what_takes_no_none() -> Pipeline[MailThread]:
    """stages.amount.inputs[0]: 'other' may be missing"""
    email = Pipeline("case", input=MailThread)
    route = email.classify("route", labels=["a", "b"])
    refund = email.stage("refund", refund_request, email.source, route, when="route.category == 'a'")
    other = email.prompt("other", Refund, instructions="?", when=otherwise(refund))
    email.stage("amount", amount_of, other)  # error: reportArgumentType
    return email


def a_join_that_there_is_not() -> Pipeline[MailThread]:
    """stages.sum.join: 'some' is no join"""
    email = Pipeline("case", input=MailThread)
    route = email.classify("route", labels=["a", "b"])
    email.summarize("sum", inputs=[route], join="some")  # error: reportArgumentType
    return email


def a_name_for_a_handler() -> Pipeline[MailThread]:
    """stages.sum.on_failure: there is no stage 'nobody'"""
    email = Pipeline("case", input=MailThread)
    email.summarize("sum", on_failure="nobody")  # error: reportArgumentType
    return email
