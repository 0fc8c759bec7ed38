"""`webhook`: a message to the organization's own systems, signed, through the outbox of webhooks.

options     event     what the message is called for its receivers: `refund_approved`
            webhook   the id of one webhook, or its description; by default all that want `pipeline.message`
inputs      what is sent, by their names; a text as text
returns     {event, webhooks}: to how many it is owed

The stage completes when the message is stored: from then on it is delivered at least once, however long the receiver is away.
Stored is it once, whoever performs the stage how often. `webhook_deliveries.list` shows what became of it.
"""

from typing import Annotated

from pydantic import Field

from tegu.domain.errors import StageError
from tegu.domain.json import JsonObject, storable_json
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.outputs import SentMessage
from tegu.pipeline.slices import split_name
from tegu.stages.inputs import named_values
from tegu.stages.kind import Options, StageOutput, StageWork, options_schema, read_options
from tegu.stages.reach import reachable

MESSAGE_BYTES_MAX = 512_000


class WebhookOptions(Options):
    """See the module."""

    event: Annotated[
        str,
        Field(
            max_length=100,
            pattern=r"^[A-Za-z0-9_.-]+$",
            description="what the message is called: refund_approved",
        ),
    ]
    webhook: Annotated[
        str | None,
        Field(min_length=1, max_length=500, description="the id of one webhook, or its description"),
    ] = None


class WebhookKind:
    """Implements StageKind."""

    name = "webhook"
    version = 1

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        return options_schema(WebhookOptions)

    def output_schema(self, config: JsonObject) -> JsonObject:
        """`{event, webhooks}`."""
        del config  # the same for all
        return schema_of(SentMessage)

    async def perform(self, work: StageWork) -> StageOutput:
        """Store it."""
        options = read_options(WebhookOptions, work.config)
        data = named_values(work.inputs)
        size = len(storable_json(data).encode())
        if size > MESSAGE_BYTES_MAX:
            raise StageError(
                f"the message has {size} bytes; at most {MESSAGE_BYTES_MAX} are sent",
                code="too_large",
                hint="send less: the receiver can ask for the run's results by its id",
            )
        body: JsonObject = {
            "event": options.event,
            "stage": split_name(work.task.stage.name)[0],
            "data": data,
        }
        messages = reachable(work.reach.messages, "webhooks")
        owed = await messages.send(work.task, body, webhook=options.webhook)
        if not owed:
            raise StageError(
                f"there is no webhook {options.webhook!r}"
                if options.webhook is not None
                else "no webhook wants messages of pipelines",
                code="no_webhook",
                hint="make one for the event `pipeline.message`: `webhooks.create`",
            )
        return StageOutput({"event": options.event, "webhooks": owed})
