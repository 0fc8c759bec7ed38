"""Whether the models that a version will ask can be asked, looked at before anything is stored or started.

Called by the app for `tegu run` and `tegu start`. Invariant: it asks no provider; a wrong key is found by the first call.
"""

from collections.abc import Iterable
from uuid import UUID

from tegu.domain.errors import ConfigurationError
from tegu.llm.protocol import CredentialSource, ModelRef
from tegu.llm.providers.registry import canonical_name
from tegu.pipeline.catalog import KindCatalog
from tegu.pipeline.definition import PipelineDefinition


def models_of(
    catalog: KindCatalog, definition: PipelineDefinition, *, override: str | None, default: str | None
) -> tuple[ModelRef, ...]:
    """The models that a run will ask, each once. Raises ConfigurationError where a stage has none.

    What Python stages ask only they know.
    """
    if override is not None:
        ModelRef.parse(override)
    found: dict[ModelRef, None] = {}
    for stage in definition.stages:
        if not _asks_models(catalog, stage.uses):
            continue
        name = override or stage.model or definition.model or default
        if not name:
            raise ConfigurationError(
                f"no model is configured for stage {stage.name!r} of {definition.name!r}",
                hint="pass --model provider:model (or --model rules, which needs no key), or set TEGU_MODEL",
            )
        ref = ModelRef.parse(name)
        canonical_name(ref.provider)
        found[ref] = None
    return tuple(found)


async def require_keys(
    models: Iterable[ModelRef], credentials: CredentialSource, organization_id: UUID
) -> None:
    """Raises ConfigurationError, naming the variable to set, for the first model that cannot be called from here."""
    for provider in dict.fromkeys(ref.provider for ref in models):
        await credentials.credential(organization_id, provider)


def _asks_models(catalog: KindCatalog, kind: str) -> bool:
    """Every kind that asks a model lets its author bound the reply."""
    properties = catalog.config_schema(kind).get("properties")
    return isinstance(properties, dict) and "max_tokens" in properties
