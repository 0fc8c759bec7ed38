"""What workers' stages may reach: everything is in the database.

Called by the runtime.
"""

from tegu.stages.reach import Reach
from tegu.storage.children import ChildStore
from tegu.storage.database import Database
from tegu.storage.earlier import EarlierStore
from tegu.storage.signals import SignalStore


async def stored_reach(database: Database) -> Reach:
    """A reach through the engine's door."""
    pool = await database.engine()
    return Reach(signals=SignalStore(pool), children=ChildStore(pool), earlier=EarlierStore(pool))
