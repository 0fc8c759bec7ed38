"""Whether the models that a version will ask can be asked, and which model an organization chose for itself.

Called by the app for `tegu run`, `tegu start`, `tegu models use`. Invariant: it asks no provider; a wrong key is found
by the first call.
"""

from collections.abc import Iterable
from uuid import UUID

from tegu.actions.scope import Scope
from tegu.domain.errors import ConfigurationError, NotFoundError
from tegu.llm.model_names import ModelNames, has_key
from tegu.llm.protocol import CredentialSource
from tegu.pipeline.catalog import KindCatalog
from tegu.pipeline.definition import PipelineDefinition
from tegu.storage import organizations


def models_of(
    catalog: KindCatalog,
    definition: PipelineDefinition,
    names: ModelNames,
    *,
    override: str | None,
    default: str | None,
) -> tuple[str, ...]:
    """The models that a run will ask, as written, each once. Raises ConfigurationError where a stage has none, or one
    that cannot be.

    What Python stages ask only they know.
    """
    if override is not None:
        names.check(override)
    found: dict[str, None] = {}
    for stage in definition.stages:
        if not asks_models(catalog, stage.uses):
            continue
        written = override or stage.model or definition.model or default
        if not written:
            raise ConfigurationError(
                f"no model is configured for stage {stage.name!r} of {definition.name!r}",
                hint="pass --model provider:model (or --model rules, which needs no key), or set TEGU_MODEL",
            )
        names.check(written)
        found[written] = None
    return tuple(found)


async def require_keys(
    written: Iterable[str], names: ModelNames, credentials: CredentialSource, organization_id: UUID
) -> None:
    """Raises ConfigurationError, naming the variable to set, for the first of these of which no model can be called.

    One model of a chain is enough.
    """
    can_call = has_key(credentials, organization_id)
    for each in written:
        models = await names.resolve(each, can_call)
        providers = list(dict.fromkeys(ref.provider for ref in models))
        if not any([await can_call(provider) for provider in providers]):
            await credentials.credential(organization_id, providers[0])


async def own_model(scope: Scope) -> str | None:
    """The model that the organization chose for its stages that name none, as written."""
    async with scope.transaction() as connection:
        return await organizations.own_model(connection, scope.organization_id)


async def set_model(scope: Scope, model: str | None) -> None:
    """Choose it, or give the choice up with None. Raises ConfigurationError for what stands for no model."""
    if model is not None:
        model = model.strip()
        scope.machinery.names.check(model)
    async with scope.transaction() as connection:
        if not await organizations.set_own_model(connection, scope.organization_id, model):
            raise NotFoundError("there is no such organization")
    scope.machinery.forget_model(scope.organization_id)


def asks_models(catalog: KindCatalog, kind: str) -> bool:
    """Every kind that asks a model lets its author bound the reply."""
    properties = catalog.config_schema(kind).get("properties")
    return isinstance(properties, dict) and "max_tokens" in properties
