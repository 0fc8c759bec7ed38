"""The models that are known by name, with their prices and limits.

Called by `tegu models`. Invariant: a price or limit that the table does not hold is None. The table knows the size of
the context, and no limit of the output: what bounds a reply is the `max_tokens` that is asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from tegu.domain.call import EMBEDDED
from tegu.llm.protocol import ModelRef
from tegu.llm.providers.registry import PROVIDER_NAMES

_NAME_STARTS: Mapping[str, tuple[str, ...]] = MappingProxyType({"google": ("gemini", "gemma")})
"""How the models that we can call are named, where the table's provider also sells others' models."""
_TABLE_IDS: Mapping[str, str] = MappingProxyType({"bedrock": "aws"})
"""The price table's id of a provider, where it is not ours. Providers that it does not have serve whatever they were
given; `openai-responses` has the models of `openai`."""

_PRICED_AS: Mapping[str, str] = MappingProxyType({"openai-responses": "openai", "openai-chat": "openai"})
_FREE = frozenset({*EMBEDDED, "testing"})
"""Providers of ours that nobody bills for."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One model, as `provider:name` names it. Prices are US dollars per million tokens."""

    provider: str
    name: str
    input_usd_per_million: Decimal | None
    output_usd_per_million: Decimal | None
    context_tokens: int | None
    is_deprecated: bool = False

    @property
    def ref(self) -> ModelRef:
        """Its name."""
        return ModelRef(self.provider, self.name)

    def cost_usd(self, *, input_tokens: int, output_tokens: int) -> Decimal | None:
        """What so many tokens cost; None where a price is not known."""
        if self.input_usd_per_million is None or self.output_usd_per_million is None:
            return None
        paid = self.input_usd_per_million * input_tokens + self.output_usd_per_million * output_tokens
        return paid / 1_000_000  # prices are per million


def worst_cost_usd(model: ModelRef, *, input_tokens: int, output_tokens: int) -> Decimal | None:
    """What a call of so many tokens costs at most, long inputs included; None where no price is known."""
    if model.provider in _FREE:
        return Decimal(0)
    from genai_prices import Usage, calc_price

    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    provider = _PRICED_AS.get(model.provider) or _TABLE_IDS.get(model.provider, model.provider)
    try:
        return calc_price(usage, model.name, provider_id=provider).total_price
    except (LookupError, ValueError, AssertionError):
        return None


def known_models(now: datetime | None = None) -> tuple[KnownModel, ...]:
    """By provider and name; first the embedded rules. Reading the price table takes about 0.1 s."""
    from genai_prices.data_snapshot import get_snapshot

    ours = {_TABLE_IDS.get(name, name): name for name in PROVIDER_NAMES}
    found = [KnownModel("rules", "rules", Decimal(0), Decimal(0), None)]
    at = now or datetime.now(tz=UTC)
    for provider in get_snapshot().providers:
        name = ours.get(provider.id)
        if name is not None:
            starts = _NAME_STARTS.get(name, ("",))
            found.extend(_known(name, model, at) for model in provider.models if model.id.startswith(starts))
    return (found[0], *sorted(found[1:], key=lambda model: (model.provider, model.name)))


def _known(provider: str, model: Any, at: datetime) -> KnownModel:
    prices = model.get_prices(at)
    return KnownModel(
        provider=provider,
        name=model.id,
        input_usd_per_million=_base_price(prices.input_mtok),
        output_usd_per_million=_base_price(prices.output_mtok),
        context_tokens=model.context_window,
        is_deprecated=bool(model.deprecated),
    )


def _base_price(price: Any) -> Decimal | None:
    """The price of the first tier, where prices rise with the length of the input."""
    base = getattr(price, "base", price)
    return Decimal(base) if base is not None else None
