"""The steps of a backfill as they are stored with it: what was forecast, and what it came to.

Called by `backfills` and by whoever adds a step.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from tegu.domain.backfill import Step
from tegu.domain.forecast import Total
from tegu.domain.json import JsonObject


def steps_json(steps: Sequence[Step]) -> list[JsonObject]:
    """As they are stored."""
    return [
        {
            "at": each.at.isoformat(),
            "after": each.after,
            "upto": each.upto,
            "calls_forecast": _total_json(each.calls_forecast),
            "cost_usd_forecast": _total_json(each.cost_usd_forecast),
            "calls": each.calls,
            "cost_usd": str(each.cost_usd) if each.cost_usd is not None else None,
            "unknown_costs": each.unknown_costs,
        }
        for each in steps
    ]


def _total_json(total: Total | None) -> JsonObject | None:
    return None if total is None else {name: getattr(total, name) for name in Total.__slots__}


def step_of(stored: Mapping[str, Any]) -> Step:
    """The inverse for one of them."""
    calls, cost = stored["calls_forecast"], stored["cost_usd_forecast"]
    return Step(
        at=datetime.fromisoformat(stored["at"]),
        after=stored["after"],
        upto=stored["upto"],
        calls_forecast=Total(**calls) if calls else None,
        cost_usd_forecast=Total(**cost) if cost else None,
        calls=stored["calls"],
        cost_usd=Decimal(stored["cost_usd"]) if stored["cost_usd"] is not None else None,
        unknown_costs=stored["unknown_costs"],
    )
