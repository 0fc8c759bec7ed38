"""Webhooks: make, list, read, change, test and remove them, and rotate their secrets."""

from dataclasses import dataclass, field, fields
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from tegu.actions import webhooks
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import Name, PageInput
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.page import Page, id_of, page_of
from tegu.domain.webhook import URL_LENGTH_MAX, Webhook, WebhookEvent

_PIPELINES_MAX = 100
_OVERLAP_MAX_S = 7 * 86_400.0

Url = Annotated[
    str, StringConstraints(min_length=1, max_length=URL_LENGTH_MAX), Field(description="`https://host/path`")
]
Events = Annotated[tuple[WebhookEvent, ...], Field(min_length=1, max_length=len(WebhookEvent))]
Pipelines = Annotated[
    tuple[Name, ...] | None,
    Field(max_length=_PIPELINES_MAX, description="Only of runs of these pipelines; otherwise of all."),
]
SendsResults = Annotated[bool, Field(description="Whether the results of a run are sent along.")]
Description = Annotated[str, StringConstraints(max_length=500)]


class WebhookId(ActionInput):
    """Which webhook."""

    webhook_id: UUID


class CreateWebhook(ActionInput):
    """What to tell, and whom."""

    url: Url
    events: Events
    description: Description = ""
    pipelines: Pipelines = None
    sends_results: SendsResults = False


class UpdateWebhook(WebhookId):
    """What of a webhook is to change; what is left out stays. `pipelines` null: all of them."""

    url: Url = ""
    events: Events = ()
    description: Description = ""
    pipelines: Pipelines = None
    sends_results: SendsResults = False
    is_enabled: Annotated[
        bool | None, Field(description="false pauses it; true lets it go on, also one that was disabled.")
    ] = None


class RotateSecret(WebhookId):
    """Which webhook, and how long its present secret is good beside the new one."""

    overlap_s: Annotated[float, Field(ge=0, le=_OVERLAP_MAX_S)] = webhooks.OVERLAP_S


@dataclass(frozen=True, slots=True)
class WebhookWithSecret(Webhook):
    """A webhook, and the secret that its deliveries are signed with, which is not shown again."""

    secret: str = field(default="", repr=False)

    @classmethod
    def of(cls, webhook: Webhook, secret: str) -> Self:
        """Both together."""
        return cls(**{each.name: getattr(webhook, each.name) for each in fields(webhook)}, secret=secret)


@dataclass(frozen=True, slots=True)
class RemovedWebhook:
    """The webhook that is told nothing more."""

    webhook_id: UUID


@dataclass(frozen=True, slots=True)
class TestedWebhook:
    """The delivery that tells how the test went: `webhook_deliveries.get`."""

    delivery_id: UUID


@action(
    "webhooks.create",
    effect=Effect.WRITE,
    permission=Permission.WEBHOOKS_WRITE,
    audited=("events", "pipelines"),
)
async def create_webhook(scope: Scope, asked: CreateWebhook) -> WebhookWithSecret:
    """Tell an address of events, by signed requests. The secret that they are signed with is shown this once."""
    new = webhooks.NewWebhook(
        url=asked.url,
        events=asked.events,
        description=asked.description,
        pipelines=asked.pipelines,
        sends_results=asked.sends_results,
    )
    return WebhookWithSecret.of(*await webhooks.create(scope, new))


@action("webhooks.list", effect=Effect.READ, permission=Permission.WEBHOOKS_READ)
async def list_webhooks(scope: Scope, asked: PageInput) -> Page[Webhook]:
    """List webhooks, the newest first."""
    found = await webhooks.list_webhooks(scope, after=id_of(asked.cursor), limit=asked.limit + 1)
    return page_of(found, asked.limit, lambda webhook: webhook.id)


@action("webhooks.get", effect=Effect.READ, permission=Permission.WEBHOOKS_READ, key="webhook_id")
async def get_webhook(scope: Scope, asked: WebhookId) -> Webhook:
    """Read a webhook, and whether it goes well."""
    return await webhooks.get(scope, asked.webhook_id)


@action(
    "webhooks.update",
    effect=Effect.WRITE,
    permission=Permission.WEBHOOKS_WRITE,
    key="webhook_id",
    audited=("webhook_id", "events", "pipelines", "is_enabled"),
    is_idempotent=True,
)
async def update_webhook(scope: Scope, asked: UpdateWebhook) -> Webhook:
    """Change a webhook, pause it, or enable it again. What is pending for it waits meanwhile."""
    changes = {
        name: value
        for name, value in asked.model_dump(exclude_unset=True).items()
        if name not in {"webhook_id", "is_enabled"}
    }
    for name in ("events", "pipelines"):
        if changes.get(name) is not None:
            changes[name] = [str(each) for each in changes[name]]
    return await webhooks.update(scope, asked.webhook_id, changes, is_enabled=asked.is_enabled)


@action(
    "webhooks.delete",
    effect=Effect.DESTRUCTIVE,
    permission=Permission.WEBHOOKS_WRITE,
    key="webhook_id",
    audited=("webhook_id",),
)
async def delete_webhook(scope: Scope, asked: WebhookId) -> RemovedWebhook:
    """Remove a webhook with its deliveries: it is told nothing more."""
    await webhooks.remove(scope, asked.webhook_id)
    return RemovedWebhook(asked.webhook_id)


@action(
    "webhooks.test",
    effect=Effect.WRITE,
    permission=Permission.WEBHOOKS_WRITE,
    key="webhook_id",
    audited=("webhook_id",),
)
async def send_test(scope: Scope, asked: WebhookId) -> TestedWebhook:
    """Send a webhook an event `webhook.test`."""
    return TestedWebhook(await webhooks.test(scope, asked.webhook_id))


@action(
    "webhooks.rotate_secret",
    effect=Effect.WRITE,
    permission=Permission.WEBHOOKS_WRITE,
    key="webhook_id",
    audited=("webhook_id",),
)
async def rotate_webhook_secret(scope: Scope, asked: RotateSecret) -> WebhookWithSecret:
    """Sign with a new secret, which is shown this once; and, for a while, with the one before too."""
    found = await webhooks.rotate(scope, asked.webhook_id, overlap_s=asked.overlap_s)
    return WebhookWithSecret.of(*found)
