"""Prompts: common jobs, as a person picks them in a client.

Called by `agent`. Invariant: a prompt names what to work on by its id, and never holds content: what somebody wrote into a
document is read by a tool, as data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template

from mcp_types import GetPromptResult, Prompt, PromptArgument, PromptMessage, TextContent

from tegu.domain.errors import NotFoundError, UsageError

ARGUMENT_LENGTH_MAX = 2000


@dataclass(frozen=True, slots=True)
class _Job:
    """A prompt: what it is for, what must be said, and the text."""

    description: str
    arguments: Mapping[str, str]
    text: Template


_JOBS: Mapping[str, _Job] = {
    "extract_fields": _Job(
        "Extract fields from a document, with the words that show each.",
        {"content_id": "The id of the content.", "fields": "Which fields: number, date, total."},
        Template(
            "Extract these fields from the content $content_id: $fields\n\n"
            "1. Write a pipeline document with one `extract` stage whose schema has just these fields; check it with"
            " pipelines_check until it has no problem, and publish it with pipelines_create.\n"
            "2. Start it over the content with runs_start, and wait with runs_wait until the run has ended.\n"
            "3. Show each value with its confidence and its evidence. A span that is `not_found` is no evidence: say so."
        ),
    ),
    "summarize_thread": _Job(
        "Summarize a mail thread: what is wanted, what was said, what is next.",
        {"thread_id": "The id of the mail thread."},
        Template(
            "Summarize the mail thread $thread_id.\n\n"
            "Start the pipeline email_analysis over it with runs_start, wait with runs_wait until it has ended, and show the"
            " summary, the category with its confidence, and the people and amounts that were found. Read single e-mails"
            " with threads_get and contents_text where the summary leaves a question open."
        ),
    ),
    "explain_run": _Job(
        "Explain why a run failed, or why it waits.",
        {"run_id": "The id of the run."},
        Template(
            "Explain how the run $run_id stands. Read it with runs_get, and what happened with runs_events; where a call to a"
            " model failed, read it with calls_list and calls_get. Say what is wrong, with the error's code and hint, and"
            " what to do."
        ),
    ),
    "review_results": _Job(
        "Review the results that a pipeline is least sure of.",
        {"pipeline": "The name of the pipeline."},
        Template(
            "Review the results of the pipeline $pipeline that are least sure: list them with results_list and"
            " confidence_max 0.7. For each, read the content around its evidence with contents_text, and say whether the"
            " value is right, and what it should be otherwise."
        ),
    ),
}


def prompts() -> list[Prompt]:
    """All there are."""
    return [
        Prompt(
            name=name,
            description=job.description,
            arguments=[
                PromptArgument(name=each, description=what, required=True)
                for each, what in job.arguments.items()
            ],
        )
        for name, job in _JOBS.items()
    ]


def prompt(name: str, arguments: Mapping[str, str]) -> GetPromptResult:
    """One, with what was said. Raises NotFoundError, UsageError."""
    job = _JOBS.get(name)
    if job is None:
        raise NotFoundError(f"there is no prompt {name[:80]!r}", hint=f"there are {', '.join(_JOBS)}")
    given = {each: arguments.get(each, "").strip() for each in job.arguments}
    if missing := [each for each, value in given.items() if not value]:
        raise UsageError(f"the prompt {name} needs {missing[0]!r}", hint=job.arguments[missing[0]])
    if any(len(value) > ARGUMENT_LENGTH_MAX for value in given.values()):
        raise UsageError(f"an argument of a prompt has at most {ARGUMENT_LENGTH_MAX} characters")
    content = TextContent(type="text", text=job.text.substitute(given))
    return GetPromptResult(
        description=job.description, messages=[PromptMessage(role="user", content=content)]
    )
