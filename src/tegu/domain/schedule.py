"""Schedules: runs that begin by themselves, at the times that a cron expression names in a time zone.

Invariant: a schedule begins its runs once for each of its times, whatever number of workers look at it. Times that nobody was
there for are not made up one by one: the schedule fires once, late, and goes on.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from tegu.domain.errors import UsageError

NAME_LENGTH_MAX = 100
CRON_LENGTH_MAX = 200
INPUTS_MAX = 100
"""More inputs would be one long transaction at each time."""


@dataclass(frozen=True, slots=True)
class CronTimes:
    """The times of a cron expression in a time zone.

    Five fields as Debian's cron reads them; at a change of clocks too: what falls in the hour that is left out happens
    right after it, what falls in the hour that comes twice happens once, but for expressions with `*` hours.
    """

    cron: str
    zone: str

    def after(self, moment: datetime) -> datetime:
        """The first time after a moment, in UTC. Raises UsageError for what names no time."""
        found = next(self._times(moment), None)
        if found is None:
            raise UsageError(
                f"{self.cron!r} names no time within 50 years", hint="is there such a day in that month?"
            )
        return found.astimezone(UTC)

    def several_after(self, moment: datetime, count: int) -> list[datetime]:
        """The first times after a moment, in the schedule's zone."""
        times = self._times(moment)
        return [found for found, _ in zip(times, range(count), strict=False)]

    def _times(self, moment: datetime) -> CronSim:
        if len(self.cron) > CRON_LENGTH_MAX:
            raise UsageError(f"a cron expression has at most {CRON_LENGTH_MAX} characters")
        try:
            zone = ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise UsageError(
                f"{self.zone!r} is no time zone", hint="a name of the IANA database: Europe/Berlin, UTC"
            ) from None
        try:
            return CronSim(self.cron, moment.astimezone(zone))
        except CronSimError as error:
            raise UsageError(
                f"{self.cron!r} is no cron expression: {error}",
                hint="minute, hour, day of month, month, day of week: '30 8 * * MON-FRI'",
            ) from None


@dataclass(frozen=True, slots=True)
class ScheduledInput:
    """What a run of a schedule reads: a content or a mail thread."""

    content_id: UUID | None = None
    thread_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """What is to begin, and when. `pipeline` is a name, then the newest version of that moment runs, or `name@number`.
    `budget_usd` is the most that the calls of each run may cost.
    """

    pipeline: str
    cron: str
    inputs: tuple[ScheduledInput, ...]
    zone: str = "UTC"
    model: str | None = None
    priority: int = 0
    budget_usd: Decimal | None = None

    @property
    def times(self) -> CronTimes:
        """When."""
        return CronTimes(self.cron, self.zone)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as it stands. `next_at` is None while it is paused; `last_error` is what kept its last time from beginning
    runs, `last_run_ids` what it began then.
    """

    id: UUID
    name: str
    spec: ScheduleSpec
    created_at: datetime
    next_at: datetime | None
    paused_at: datetime | None = None
    last_at: datetime | None = None
    last_run_ids: tuple[UUID, ...] = ()
    last_error: str | None = None


def checked_schedule_name(name: str) -> str:
    """A name that can be typed and shown. Raises UsageError."""
    if not name.strip() or len(name) > NAME_LENGTH_MAX or not name.isprintable():
        raise UsageError(
            f"a schedule cannot be named {name[:80]!r}", hint=f"1 to {NAME_LENGTH_MAX} printable characters"
        )
    return name
