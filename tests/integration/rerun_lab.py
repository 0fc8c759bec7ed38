"""A pipeline to run again: what asks a model, what branches, and how often each stage was asked."""

from copy import deepcopy
from typing import Any
from uuid import UUID

from tegu.actions.run_inputs import RunInput
from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.json import JsonObject, canonical_json
from tegu.domain.run import Run
from tegu.domain.status import RunStatus
from tegu.testing.scripted import Json, Match, Reply, Rule, ScriptedProvider

MAIL = "Maria Lopez writes: my kettle arrived broken. I want a refund of 49.90 EUR for order A-1001."
TRIAGE: JsonObject = {
    "tegu": 1,
    "name": "triage",
    "input": "content",
    "stages": {
        "read": {"uses": "parse"},
        "extract": {
            "uses": "extract",
            "with": {"instructions": "EXTRACT", "schema": {"people": "list[str]", "amount": "float"}},
        },
        "classify": {
            "uses": "classify",
            "with": {
                "instructions": "CLASSIFY",
                "labels": {"refund": "wants money", "other": "anything else"},
            },
        },
        "answer": {
            "uses": "prompt",
            "with": {"instructions": "ANSWER", "schema": {"text": "str"}},
            "inputs": ["source", "extract", "classify"],
            "when": "classify.category == 'refund'",
        },
        "file": {
            "uses": "prompt",
            "with": {"instructions": "FILE", "schema": {"folder": "str"}},
            "inputs": ["classify"],
            "when": "classify.category != 'refund'",
        },
        "check": {
            "uses": "prompt",
            "with": {"instructions": "CHECK", "schema": {"is_polite": "bool"}},
            "inputs": ["answer"],
        },
    },
}
ASKING = ("EXTRACT", "CLASSIFY", "ANSWER", "FILE", "CHECK")


def scripted(*first: Rule) -> ScriptedProvider:
    """Answers each stage by the word in its instructions, after these rules."""
    people: JsonObject = {
        "output": {"people": ["Maria Lopez"], "amount": 49.9},
        "evidence": [
            {"path": "/people/0", "quote": "Maria Lopez"},
            {"path": "/amount", "quote": "49.90"},
        ],
    }
    answers: dict[str, JsonObject] = {
        "EXTRACT": people,
        "CLASSIFY": {"category": "refund", "confidence": 0.9},
        "ANSWER": {"output": {"text": "The money is on its way."}, "evidence": []},
        "FILE": {"folder": "rest"},
        "CHECK": {"is_polite": True},
    }
    return ScriptedProvider(
        [*first, *(Rule(Reply(Json(answer)), Match(contains=(word,))) for word, answer in answers.items())]
    )


def asked(server: ScriptedProvider) -> list[str]:
    """Which stages asked, in alphabetical order, once for each request that arrived."""
    bodies = [canonical_json(entry.body) for entry in server.ledger]
    return sorted(word for body in bodies for word in ASKING if word in body)


def changed(document: JsonObject, stage: str, **options: Any) -> JsonObject:
    """The same document, with other options of a stage."""
    made: Any = deepcopy(document)
    made["stages"][stage]["with"] |= options
    return made


async def finished(tegu: Tegu, run_id: UUID) -> Run:
    """The run, driven to its end in this process."""
    await tegu.drive([run_id], timeout_s=60)
    run = await tegu.get_run(run_id)
    assert run.status is RunStatus.COMPLETED, run.error
    return run


async def run_again(tegu: Tegu, base: Run, document: JsonObject, *, model: str | None = None) -> Run:
    """A run of the document over the input of another one, whose outputs it may take."""
    version = await tegu.pipeline(document)
    source = RunInput("again", base.content_id, base.thread_id)
    (run_id,) = await tegu.start_inputs(version, [source], StartOptions(model, reuse_from=base.id))
    return await finished(tegu, run_id)
