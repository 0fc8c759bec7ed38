"""Which runs go first, and when they start: the options of `tegu run` and `tegu start`."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import click

from tegu.domain.errors import UsageError
from tegu.domain.operations import PRIORITIES, PRIORITY_MAX, check_start_time, checked_priority

_Command = TypeVar("_Command", bound=Callable[..., Any])
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")


class Duration(click.ParamType[float]):
    """Seconds, from `90s`, `10m`, `1.5h`, `2d`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """See click."""
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no duration, such as 90s, 10m, 2h or 1d", param, ctx)
        seconds = float(found[1]) * _UNITS[found[2] or "s"]
        try:
            check_start_time(None, seconds)
        except UsageError as error:
            self.fail(error.message, param, ctx)
        return seconds


class Moment(click.ParamType[datetime]):
    """A time with its zone, from `18:30`, `2026-12-24T18:30`, `2026-12-24T18:30+01:00`; without a zone, this machine's."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """See click."""
        text = str(value).strip()
        now = datetime.now().astimezone()
        try:
            if found := _CLOCK.fullmatch(text):
                today = now.replace(
                    hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0, tzinfo=None
                )
                # Without its offset, which may be another tomorrow.
                return (today if today.astimezone() > now else today + timedelta(days=1)).astimezone()
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.astimezone()
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time, such as 18:30 or 2026-12-24T18:30+01:00", param, ctx)


class Priority(click.ParamType[int]):
    """`low`, `normal`, `high`, or a number."""

    name = "priority"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """See click."""
        try:
            return checked_priority(value)
        except UsageError as error:
            self.fail(f"{error.message}: {error.hint}", param, ctx)


priority_option = click.option(
    "--priority",
    metavar="PRIORITY",
    type=Priority(),
    help=f"{', '.join(PRIORITIES)}, or -{PRIORITY_MAX} to {PRIORITY_MAX}: which of the organization's runs go first. "
    "By default the pipeline's own, or normal.",
)


def when_options(command: _Command) -> _Command:
    """`--priority`, `--at`, `--in`."""
    for option in (
        click.option(
            "--in", "delay_s", metavar="DURATION", type=Duration(), help="Start after 90s, 10m, 2h, 1d."
        ),
        click.option(
            "--at", "due_at", metavar="TIME", type=Moment(), help="Start at 18:30, or 2026-12-24T18:30."
        ),
        priority_option,
    ):
        command = option(command)
    return command


def said(moment: datetime) -> str:
    """A time as this machine's zone has it."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S %Z}"
