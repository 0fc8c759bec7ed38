"""What the present keys allow: models by name with prices, aliases with what they stand for now, and the defaults.

Called by the app for `tegu models`. Invariant: it asks no provider, and shows no key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from tegu.actions.models import own_model
from tegu.actions.scope import Scope
from tegu.domain.errors import ConfigurationError
from tegu.llm.catalog import KnownModel, known_models
from tegu.llm.default_models import DEFAULT_MODELS
from tegu.llm.model_names import HasKey, ModelNames, has_key
from tegu.llm.protocol import CredentialSource, ModelRef
from tegu.llm.providers.registry import PROVIDER_NAMES

_NO_CHAT = (
    "audio",
    "embed",
    "guard",
    "image",
    "live",
    "moderation",
    "ocr",
    "realtime",
    "transcribe",
    "tts",
    "whisper",
)
"""Words in the names of models that answer no question in text."""


@dataclass(frozen=True, slots=True)
class ResolvedName:
    """What a name stands for now. `written` is the operator's text, None where the table of defaults decides; `problem`
    says why it stands for nothing.
    """

    name: str
    written: str | None
    models: tuple[str, ...] = ()
    problem: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class ModelListing:
    """See the module. `providers` says of each whether it can be called; `other_providers` can, and are in no price table:
    any model that they serve can be named.
    """

    aliases: tuple[ResolvedName, ...]
    organization_model: str | None
    default_model: str | None
    models: tuple[KnownModel, ...]
    providers: Mapping[str, bool]
    other_providers: tuple[str, ...]


async def listing_of(scope: Scope, *, every: bool = False) -> ModelListing:
    """The same as an organization sees it, with the model that it chose for itself."""
    machinery = scope.machinery
    return await list_models(
        machinery.names,
        machinery.credentials,
        scope.organization_id,
        organization_model=await own_model(scope),
        default_model=machinery.settings.model,
        every=every,
    )


async def list_models(
    names: ModelNames,
    credentials: CredentialSource,
    organization_id: UUID,
    *,
    organization_model: str | None = None,
    default_model: str | None = None,
    every: bool = False,
) -> ModelListing:
    """The models that can be called from here and are not deprecated, or with `every` all that are known."""
    can_call = has_key(credentials, organization_id)
    providers = {name: await can_call(name) for name in PROVIDER_NAMES}
    known = known_models()
    listed = {model.provider for model in known}
    shown = [model for model in known if every or (providers[model.provider] and not model.is_deprecated)]
    return ModelListing(
        aliases=tuple([await resolved(name, names, can_call) for name in names.names]),
        organization_model=organization_model,
        default_model=default_model,
        models=tuple(shown),
        providers=providers,
        other_providers=tuple(
            name for name, is_callable in providers.items() if is_callable and name not in listed
        ),
    )


async def resolved(name: str, names: ModelNames, can_call: HasKey) -> ResolvedName:
    """What a name, or anything that is written for a model, stands for now."""
    written = names.written(name)
    try:
        models = await names.resolve(name, can_call)
    except ConfigurationError as error:
        return ResolvedName(name, written, problem=error.message, hint=error.hint)
    return ResolvedName(name, written, tuple(str(model) for model in models))


def one_of_each(listing: ModelListing) -> tuple[ModelRef, ...]:
    """One cheap model of each provider that can be called and whose models are known by name; not the rules.

    That of `fast`, else the one whose tokens cost least (and something).
    """
    found: dict[str, tuple[Decimal, ModelRef]] = {}
    for model in listing.models:
        cost = _cost(model)
        is_chat = bool(model.context_tokens) and not any(word in model.name for word in _NO_CHAT)
        if cost and is_chat and not model.is_deprecated and listing.providers[model.provider]:
            best = found.get(model.provider)
            if best is None or cost < best[0]:
                found[model.provider] = cost, model.ref
    chosen = {provider: ref for provider, (_, ref) in found.items()}
    chosen |= {ref.provider: ref for ref in DEFAULT_MODELS["fast"] if ref.provider in chosen}
    return tuple(chosen.values())


def _cost(model: KnownModel) -> Decimal | None:
    return model.cost_usd(input_tokens=1000, output_tokens=1000)
