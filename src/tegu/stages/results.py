"""From a stage's output to its results: one, or one for each item of a list in it.

Called by the performer. Invariant: no two results of one stage have the same type and key, whatever a model wrote:
the store would refuse the second.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import JsonValue

from tegu.domain.errors import StageError
from tegu.domain.evidence import EvidenceSpan
from tegu.domain.json import storable_text
from tegu.domain.outcome import ResultDraft
from tegu.pipeline.definition import ResultSpec, StageDefinition
from tegu.stages.kind import StageOutput
from tegu.stages.parts import stable_json

RESULTS_MAX = 5000
KEY_LENGTH_MAX = 200


def results_of(stage: StageDefinition, output: StageOutput) -> tuple[ResultDraft, ...]:
    """The results of one output. Raises StageError where the output holds no list to split by."""
    spec = stage.result
    if spec is None:
        return ()
    whole = ResultDraft(
        type=spec.type or stage.name,
        data=output.value,
        confidence=output.confidence,
        evidence=output.evidence,
        llm_call_id=output.llm_call_id,
    )
    return _split(stage, spec, spec.each, whole) if spec.each is not None else (whole,)


def _split(
    stage: StageDefinition, spec: ResultSpec, each: str, whole: ResultDraft
) -> tuple[ResultDraft, ...]:
    items = whole.data.get(each) if isinstance(whole.data, Mapping) else None
    if items is None:
        return ()
    if not isinstance(items, list):
        raise StageError(
            f"the output of {stage.name!r} cannot be split by {each!r}, which is no list",
            code="result_split",
            hint="result: {each: ...} names a list in the output",
        )
    if len(items) > RESULTS_MAX:
        raise StageError(
            f"{each!r} of {stage.name!r} has {len(items)} items; a stage gives at most {RESULTS_MAX} results",
            code="result_split",
        )
    taken: set[str] = set()
    drafts: list[ResultDraft] = []
    for index, item in enumerate(items):
        key = _free(_key(item, spec.key, index), taken)
        taken.add(key)
        drafts.append(replace(whole, data=item, key=key, evidence=_below(whole.evidence, each, index)))
    return tuple(drafts)


def _key(item: JsonValue, field: str | None, index: int) -> str:
    found = item.get(field) if field is not None and isinstance(item, Mapping) else None
    if found is None or found == "":
        return str(index)
    text = storable_text(found) if isinstance(found, str) else stable_json(found)
    if len(text) <= KEY_LENGTH_MAX:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{text[: KEY_LENGTH_MAX - 17]}~{digest}"


def _free(key: str, taken: set[str]) -> str:
    number, candidate = 1, key
    while candidate in taken:
        number += 1
        candidate = f"{key}#{number}"
    return candidate


def _below(evidence: Sequence[EvidenceSpan], each: str, index: int) -> tuple[EvidenceSpan, ...]:
    """The evidence of one item, its paths from the item."""
    step = each.replace("~", "~0").replace("/", "~1")
    place = f"/{step}/{index}"
    return tuple(
        replace(span, path=span.path.removeprefix(place))
        for span in evidence
        if span.path == place or span.path.startswith(f"{place}/")
    )
