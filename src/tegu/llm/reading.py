"""Reading a reply: is it a result, and which one.

Called by the structured loop, after the journal has the reply. Invariant: pure and bounded, so a journalled reply is
judged the same way each time it is replayed.
"""

from dataclasses import dataclass

from pydantic import JsonValue
from pydantic_core import from_json

from tegu.domain.errors import ProviderError
from tegu.domain.json import storable, storable_text
from tegu.llm.protocol import ModelReply, ModelRequest, OutputSpec
from tegu.llm.schema import validator
from tegu.llm.strict import as_author_meant

REPLY_LENGTH_MAX = 2_000_000
"""Characters of a reply that is read."""
_FENCE = "```"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The reply is a result: validated JSON, or text where no schema was given. Storable as it is."""

    value: JsonValue


@dataclass(frozen=True, slots=True)
class Refused:
    """The reply is no valid output; the model can be asked again with these problems."""

    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unusable:
    """The reply is no result, and asking again with problems would not help."""

    error: ProviderError


Verdict = Accepted | Refused | Unusable


def verdict(request: ModelRequest, reply: ModelReply) -> Verdict:
    """Judge a reply by how it ended, then by its schema."""
    error = _ending(request, reply)
    if error is not None:
        return Unusable(error)
    if reply.finish_reason == "error":
        return Refused(("/: the reply broke off with an error",))
    if request.output is None:
        return Accepted(storable_text(reply.text))
    return _structured(reply.text, request.output)


def _ending(request: ModelRequest, reply: ModelReply) -> ProviderError | None:
    def failure(code: str, message: str, hint: str) -> ProviderError:
        return ProviderError(f"{request.model}: {message}", code=code, transient=False, hint=hint)

    match reply.finish_reason:
        case "content_filter":
            return failure(
                "content_filter", "the reply was withheld by the content filter", "try another model"
            )
        case "refusal":
            said = f": {reply.text[:200]!r}" if reply.text.strip() else ""
            return failure(
                "refusal", f"the model refused to answer{said}", "change the instructions or the model"
            )
        case "length":
            limit = request.settings.max_tokens
            hint = "raise max_tokens, or ask for less"
            return failure("length", f"the reply was cut off at {limit} tokens", hint)
        case _ if len(reply.text) > REPLY_LENGTH_MAX:
            size = f"{len(reply.text)} characters, at most {REPLY_LENGTH_MAX} are read"
            return failure("malformed", f"the reply has {size}", "ask for less")
        case ending if not reply.text.strip() and ending != "error":
            return failure("empty", "the reply is empty", "try again, or another model")
        case _:
            return None


def _structured(text: str, output: OutputSpec) -> Verdict:
    try:
        parsed: JsonValue = from_json(_unfenced(text), allow_inf_nan=False)
    except ValueError as error:
        return Refused((f"/: not JSON: {error}",))
    value = storable(as_author_meant(parsed, output.schema))
    problems = validator(output.schema).problems(value)
    return Refused(problems) if problems else Accepted(value)


def _unfenced(text: str) -> str:
    """Without the Markdown fence that models like to put around JSON."""
    bare = text.strip()
    if bare.startswith(_FENCE) and bare.endswith(_FENCE) and "\n" in bare:
        bare = bare.partition("\n")[2].removesuffix(_FENCE)
    return bare.strip()
