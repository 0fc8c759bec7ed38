"""What an organization sets for itself: its model, where its data may go, and how much of it is kept."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from tegu.actions.action import ActionInput, Effect, NoInput, action
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.privacy import OrganizationSettings, StoreLlm
from tegu.domain.retention import DAYS_MAX, DAYS_MIN, Retention
from tegu.llm.providers.registry import canonical_name
from tegu.llm.regions import checked_region
from tegu.storage import organization_settings as store

_Names = Annotated[tuple[Annotated[str, Field(max_length=100)], ...] | None, Field(max_length=100)]
_Days = Annotated[float | None, Field(ge=DAYS_MIN, le=DAYS_MAX)]


class UpdateSettings(ActionInput):
    """What is to change; null takes a restriction or choice away, and what is left out stays."""

    model: Annotated[str | None, Field(max_length=1000, description="Of stages that name none.")] = None
    providers: Annotated[_Names, Field(description="The only providers that calls may go to.")] = None
    regions: Annotated[
        _Names,
        Field(description="The only regions; `eu-*` for all that begin so. Unknown ones are refused then."),
    ] = None
    store_llm: Annotated[
        StoreLlm | None, Field(description="How long prompts and replies are kept; null: `full`.")
    ] = None
    keep_events_days: _Days = None
    keep_replies_days: _Days = None
    keep_runs_days: _Days = None


@action("settings.get", effect=Effect.READ, permission=Permission.SETTINGS_READ)
async def get_settings(scope: Scope, asked: NoInput) -> OrganizationSettings:
    """Read what the organization has set for itself."""
    del asked
    async with scope.transaction() as connection:
        return await store.get_settings(connection, scope.organization_id)


@action(
    "settings.update",
    effect=Effect.WRITE,
    permission=Permission.SETTINGS_WRITE,
    audited=("model", "providers", "regions", "store_llm"),
    is_idempotent=True,
)
async def update_settings(scope: Scope, asked: UpdateSettings) -> OrganizationSettings:
    """Change the organization's settings. Calls that begin within the next seconds may still go by the old ones."""
    given = {name: getattr(asked, name) for name in asked.model_fields_set}
    if asked.model is not None:
        scope.machinery.names.check(asked.model)
    if asked.providers is not None:
        given["providers"] = tuple(dict.fromkeys(canonical_name(name) for name in asked.providers))
    if asked.regions is not None:
        given["regions"] = tuple(
            dict.fromkeys(checked_region(name, is_pattern=True) for name in asked.regions)
        )
    if "store_llm" in given and asked.store_llm is None:
        given["store_llm"] = StoreLlm.FULL
    if asked.store_llm is StoreLlm.HASH:
        _ = scope.machinery.keyring.sealing_key_id  # replies under way are sealed
    async with scope.transaction() as connection:
        chosen = replace(await store.get_settings(connection, scope.organization_id), **given)
        chosen.retention(Retention())  # what cannot be is refused here
        await store.save_settings(connection, scope.organization_id, chosen)
    scope.machinery.forget_model(scope.organization_id)
    return chosen
