"""US dollars on the command line."""

from decimal import Decimal, InvalidOperation
from typing import Any

import click

from tegu.domain.budget import checked_limit
from tegu.domain.errors import UsageError


class Usd(click.ParamType[Decimal]):
    """An amount: `10`, `0.25`, `$3`."""

    name = "usd"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """See click."""
        try:
            return checked_limit(Decimal(str(value).removeprefix("$").strip()))
        except (InvalidOperation, UsageError):
            self.fail(f"{value!r} is no amount of US dollars, such as 10 or 0.25", param, ctx)
