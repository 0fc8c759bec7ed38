"""Author code that is wrong in how it asks people, waits, reaches outside or nests: see `wires`."""

from author_stages import Parcel, Refund, amount_of, reviewed_refund

from tegu import Document, Pipeline


def a_decision_for_what_was_decided_on() -> Pipeline[Document]:
    """stages.amount.inputs[0]: it has no .order"""
    papers = Pipeline("case", input=Document)
    approved = papers.review("approve", papers.extract("refund", Refund))
    papers.stage("amount", amount_of, approved)  # error: reportArgumentType
    return papers


def a_decision_on_something_else() -> Pipeline[Document]:
    """stages.booked.inputs[0]: it has no .value.order"""
    papers = Pipeline("case", input=Document)
    approved = papers.review("approve", papers.extract("parcel", Parcel))
    papers.stage("booked", reviewed_refund, approved)  # error: reportArgumentType
    return papers


def a_correction_of_another_type() -> Pipeline[Document]:
    """stages.booked.inputs[0]: it has no .value.order"""
    papers = Pipeline("case", input=Document)
    approved = papers.review("approve", papers.extract("refund", Refund), schema=Parcel)
    papers.stage("booked", reviewed_refund, approved)  # error: reportArgumentType
    return papers


def a_word_that_no_review_has() -> Pipeline[Document]:
    """stages.approve.with.on_timeout: 'forget' is not allowed here"""
    papers = Pipeline("case", input=Document)
    papers.review("approve", on_timeout="forget")  # error: reportArgumentType
    return papers


def a_wait_until_something_that_is_no_time() -> Pipeline[Document]:
    """stages.late.with.until: 'refund.amount' is a number, no time"""
    papers = Pipeline("case", input=Document)
    refund = papers.extract("refund", Refund)
    papers.wait("late", until=refund.field(lambda output: output.amount))  # error: reportArgumentType
    return papers


def a_wait_until_a_field_that_is_not_there() -> Pipeline[Document]:
    """stages.late.with.until: the output of 'refund' has no field 'due'"""
    papers = Pipeline("case", input=Document)
    refund = papers.extract("refund", Refund)
    due = refund.field(lambda output: output.due)  # error: reportAttributeAccessIssue
    papers.wait("late", until=due)  # error: reportUnknownArgumentType
    return papers


def a_time_and_a_signal() -> Pipeline[Document]:
    """stages.paid.with: does not fit"""
    papers = Pipeline("case", input=Document)
    papers.wait("paid", signal="paid", seconds=60)  # error: reportCallIssue
    return papers


def a_secret_in_a_header() -> Pipeline[Document]:
    """stages.ask.with.headers.Authorization: the header 'Authorization' cannot be set"""
    papers = Pipeline("case", input=Document)
    papers.http("ask", "https://example.com/", headers={"Authorization": "Bearer 1"})
    return papers


def a_query_by_name() -> Pipeline[Document]:
    """stages.ask.with.query_from: there is no input 'refund'"""
    papers = Pipeline("case", input=Document)
    papers.extract("refund", Refund)
    papers.http("ask", "https://example.com/", query_from="refund")  # error: reportArgumentType
    return papers


def a_message_without_a_name() -> Pipeline[Document]:
    """raises: event"""
    papers = Pipeline("case", input=Document)
    papers.webhook("tell", [papers.source])  # error: reportCallIssue
    return papers


def a_nested_output_of_another_type() -> Pipeline[Document]:
    """stages.amount.inputs[0]: it has no .order"""
    papers = Pipeline("case", input=Document)
    papers.stage("amount", amount_of, papers.pipeline("inner", "weigh", Parcel))  # error: reportArgumentType
    return papers


def a_loop_for_its_output() -> Pipeline[Document]:
    """stages.amount.inputs[0]: it has no .order"""
    papers = Pipeline("case", input=Document)
    looped = papers.loop("again", "better", Refund, until="output.amount > 1.0", times_max=3)
    papers.stage("amount", amount_of, looped)  # error: reportArgumentType
    return papers


def a_loop_without_an_end() -> Pipeline[Document]:
    """stages.again.with: 'loop' needs 'times_max'"""
    papers = Pipeline("case", input=Document)
    papers.loop("again", "better", Refund, until="output.amount > 1.0")  # error: reportCallIssue
    return papers


def a_condition_that_reads_what_no_iteration_puts_out() -> Pipeline[Document]:
    """stages.again.with.until: the output of 'output' has no field 'amuont'"""
    papers = Pipeline("case", input=Document)
    papers.loop("again", "better", Refund, until="output.amuont > 1.0", times_max=3)
    return papers


def an_item_of_a_map_where_all_are_wanted() -> Pipeline[Document]:
    """stages.amount.inputs[0]: it is array, not object"""
    papers = Pipeline("case", input=Document)
    items = papers.extract("found").items(lambda output: output.entities)
    nested = papers.pipeline("inner", "refund_of", Refund, each=items)
    papers.stage("amount", amount_of, nested)  # error: reportArgumentType
    return papers


def items_whose_condition_may_be_false() -> Pipeline[Document]:
    """stages.first.inputs[0]: [] is null, not object"""
    from author_stages import first

    papers = Pipeline("case", input=Document)
    items = papers.extract("found").items(lambda output: output.entities)
    refunds = papers.prompt("refunds", Refund, instructions="?", each=items, when="item.type == 'person'")
    papers.stage("first", first, refunds)  # error: reportArgumentType
    return papers
