"""The models that are known by name, with their prices.

Called by `tegu models`. Invariant: a price that the table does not hold is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

_NAME_STARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"anthropic": ("",), "google": ("gemini", "gemma"), "openai": ("",)}
)
"""The providers whose models are listed, by the price table's id, which is ours, and how the models that we can call
are named (the table's Google also sells others' models). Other providers serve whatever they were given.
"""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One model, as `provider:name` names it. Prices are US dollars per million tokens."""

    provider: str
    name: str
    input_usd_per_million: Decimal | None
    output_usd_per_million: Decimal | None
    context_tokens: int | None
    is_deprecated: bool = False


def known_models(now: datetime | None = None) -> tuple[KnownModel, ...]:
    """By provider and name; first the embedded rules. Reading the price table takes about 0.1 s."""
    from genai_prices.data_snapshot import get_snapshot

    found = [KnownModel("rules", "rules", Decimal(0), Decimal(0), None)]
    at = now or datetime.now(tz=UTC)
    for provider in get_snapshot().providers:
        starts = _NAME_STARTS.get(provider.id)
        if starts is not None:
            found.extend(
                _known(provider.id, model, at) for model in provider.models if model.id.startswith(starts)
            )
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
