"""One streamed request through the library: its pieces to whoever listens, its whole in the end.

Called by `direct`. Invariant: a stream that was not ended by its provider raises; nothing that was heard of it counts.
"""

from typing import TYPE_CHECKING

from tegu.llm.protocol import OnText
from tegu.llm.providers.http import BodyError

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse, ModelResponseStreamEvent
    from pydantic_ai.models import Model, ModelRequestParameters
    from pydantic_ai.settings import ModelSettings

    from tegu.llm.providers.http import Exchange

TEXT_LENGTH_MAX = 1_000_000
"""Characters of a streamed reply. The library adds each piece to a copy of the whole, which is quadratic."""


class BrokenStreamError(Exception):
    """The stream stopped before its provider said that the reply is complete."""


async def request_streamed(
    model: "Model",
    conversation: "list[ModelMessage]",
    settings: "ModelSettings",
    parameters: "ModelRequestParameters",
    on_text: OnText,
    exchanged: "Exchange",
) -> "ModelResponse":
    """Make the request. Raises the library's exceptions, BodyError and BrokenStreamError."""
    from pydantic_ai.direct import model_request_stream

    by_tool, length = bool(parameters.output_tools), 0
    async with model_request_stream(
        model,
        conversation,
        model_settings=settings,
        model_request_parameters=parameters,
        instrument=False,
    ) as stream:
        async for event in stream:
            if piece := _piece(event, by_tool=by_tool):
                length += len(piece)
                if length > TEXT_LENGTH_MAX:
                    exchanged.problem = f"the reply is longer than {TEXT_LENGTH_MAX} characters"
                    raise BodyError(exchanged.problem)
                on_text(piece)
        response = stream.get()
    watch = exchanged.stream
    if watch is None or not watch.is_ended or response.state != "complete":
        raise BrokenStreamError("the stream stopped before the reply was complete")
    return response


def _piece(event: "ModelResponseStreamEvent", *, by_tool: bool) -> str | None:
    """What an event adds to the text of the reply, or to the arguments of its tool."""
    from pydantic_ai import messages as library

    match event:
        case library.PartStartEvent(part=library.TextPart(content=text)) if not by_tool:
            return text
        case library.PartDeltaEvent(delta=library.TextPartDelta(content_delta=text)) if not by_tool:
            return text
        case library.PartStartEvent(part=library.ToolCallPart() as part) if by_tool:
            if part.args is None:
                return None
            return part.args if isinstance(part.args, str) else part.args_as_json_str()
        case library.PartDeltaEvent(delta=library.ToolCallPartDelta(args_delta=str(text))) if by_tool:
            return text
        case _:
            return None
