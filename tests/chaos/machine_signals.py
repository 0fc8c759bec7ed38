"""The steps of people who tell runs something, and what must come of it: a stage that was told while it waited looks again."""

from uuid import UUID

from machine_world import World

from tegu.domain.outcome import WAITS_FOR_SIGNAL
from tegu.storage import signals
from tegu.storage.signals import NewSignal

_WAITING = """
    select s.stage, (select count(*) from tegu.run_events e
        where e.run_id = s.run_id and e.stage = s.stage and e.kind = 'stage.started')::int as looks
    from tegu.stage_runs s where s.run_id = $1 and s.status = 'waiting' and s.error ->> 'code' = $2"""
_LOOKS = (
    "select count(*)::int from tegu.run_events where run_id = $1 and stage = $2 and kind = 'stage.started'"
)


class Signals:
    """Sends them, and remembers who waited then, and how often each had looked."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._told: dict[tuple[UUID, str], int] = {}

    async def send(self, organization: UUID, run_id: UUID) -> None:
        """A signal, as an action sends it; to a run that has ended none is."""
        async with self._world.database.transaction(organization) as connection:
            run = await signals.address(connection, organization, run_id)
            assert run is not None
            if run.status.is_terminal:
                return
            await signals.send(connection, organization, run.family, NewSignal("go"))
        for row in await self._world.owner.fetch(_WAITING, run_id, WAITS_FOR_SIGNAL):
            self._told.setdefault((run_id, row["stage"]), row["looks"])

    async def tell_who_was_not(self, organization: UUID, run_id: UUID) -> None:
        """What waits and was not told gets its signal; what was must not need another."""
        waiting = await self._world.owner.fetch(_WAITING, run_id, WAITS_FOR_SIGNAL)
        if any(self._told.get((run_id, row["stage"])) != row["looks"] for row in waiting):
            await self.send(organization, run_id)

    async def count_heard(self) -> None:
        """How many have looked since they were told."""
        for (run_id, stage), looks in self._told.items():
            self._world.met["signal heard"] += await self._world.owner.fetchval(_LOOKS, run_id, stage) > looks
