"""Every action there is, by name: what REST, MCP, the command line and the client are derived from.

Called by the interfaces. Invariant: an action that a module of `declared` makes is here; a test compares.
"""

from collections.abc import Iterator
from types import MappingProxyType, ModuleType
from typing import Any, cast

from tegu.actions.action import Action
from tegu.actions.declared import (
    audit,
    backfills,
    budgets,
    calls,
    content_pages,
    contents,
    costs,
    embed_tokens,
    erasures,
    forecasts,
    http_credentials,
    installation,
    invitations,
    keys,
    llm,
    me,
    members,
    operations,
    organization_data,
    organizations,
    pipeline_pictures,
    pipeline_texts,
    pipelines,
    provider_keys,
    quotas,
    reruns,
    results,
    reviews,
    run_sources,
    runs,
    samples,
    schedules,
    secrets,
    service_accounts,
    sessions,
    settings,
    stage_kinds,
    threads,
    trying,
    usage,
    webhook_deliveries,
    webhooks,
)

_MODULES: tuple[ModuleType, ...] = (
    contents,
    content_pages,
    samples,
    erasures,
    threads,
    pipelines,
    pipeline_pictures,
    pipeline_texts,
    stage_kinds,
    trying,
    forecasts,
    runs,
    run_sources,
    reruns,
    reviews,
    embed_tokens,
    backfills,
    results,
    calls,
    webhooks,
    webhook_deliveries,
    http_credentials,
    me,
    members,
    invitations,
    service_accounts,
    keys,
    sessions,
    organizations,
    organization_data,
    usage,
    quotas,
    settings,
    secrets,
    provider_keys,
    audit,
    costs,
    budgets,
    schedules,
    operations,
    llm,
    installation,
)


def _declared(module: ModuleType) -> Iterator[Action[Any, Any]]:
    """The actions of a module, in the order written."""
    for found in vars(module).values():
        if isinstance(found, Action):
            yield cast("Action[Any, Any]", found)


ACTIONS = MappingProxyType({found.name: found for module in _MODULES for found in _declared(module)})
