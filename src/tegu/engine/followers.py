"""Who follows the events of one organization, found by what they want to hear; and what each of them is told of a look.

Called by `broadcast`. Invariants: who joined is told everything after its own position, those who are up to date everything
after the organization's, and nobody anything twice; where the news are not complete for somebody, it is told to resync.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tegu.engine.subscription import Began, Resync, ResyncReason, Subscription, Told
from tegu.storage.event_news import NewEvent, Snapshot

_Set = dict[Subscription, None]  # in the order in which they came


@dataclass(frozen=True, slots=True)
class News:
    """What a look found of one organization. All after the transaction `complete_after` is there; `runs` are events of runs that
    joining followers asked for from a number on.
    """

    events: Sequence[NewEvent]
    snapshot: Snapshot
    complete_after: int
    runs: Sequence[NewEvent]

    def is_complete_for(self, position: Snapshot) -> bool:
        """Whether nothing after the position is missing. Transactions that were under way are always there."""
        return position.xmax > self.complete_after


@dataclass(slots=True)
class Followers:
    """See the module. `position` is up to where those have been told that have joined."""

    position: Snapshot | None = None
    joining: _Set = field(default_factory=dict[Subscription, None])
    present: _Set = field(default_factory=dict[Subscription, None])
    _everything: _Set = field(default_factory=dict[Subscription, None])
    _by_pipeline: dict[str, _Set] = field(default_factory=dict[str, dict[Subscription, None]])
    _by_run: dict[UUID, _Set] = field(default_factory=dict[UUID, dict[Subscription, None]])

    def __iter__(self) -> Iterator[Subscription]:
        yield from self.present
        yield from self.joining

    def remove(self, follower: Subscription) -> None:
        """It left."""
        self.joining.pop(follower, None)
        if follower not in self.present:
            return
        del self.present[follower]
        topics = follower.topics
        if topics.is_everything:
            self._everything.pop(follower, None)
            return
        for pipeline in topics.pipelines:
            _take_out(self._by_pipeline, pipeline, follower)
        for run_id in topics.runs:
            _take_out(self._by_run, run_id, follower)

    def tell(self, news: News, joined: Sequence[Subscription]) -> None:
        """Tell everybody; those that joined, of whom the look knew, are up to date from now on."""
        if self.position is not None:
            self._tell_present(self.position, news)
        for follower in joined:
            if follower in self.joining:
                _tell_joining(follower, news)
                del self.joining[follower]
                self._add(follower)
        if self.position is not None or joined:
            self.position = news.snapshot

    def _tell_present(self, position: Snapshot, news: News) -> None:
        if not news.is_complete_for(position):
            for follower in self.present:
                follower.put(Resync(ResyncReason.FAR_BEHIND, news.snapshot), position=news.snapshot)
            return
        new = [each for each in news.events if not position.sees(each.xact)]
        for told, each in zip(_told(new, position, news.snapshot), new, strict=True):
            for follower in self._wanting(each.event.run_id, each.pipeline):
                follower.put(told, position=news.snapshot)

    def _wanting(self, run_id: UUID, pipeline: str) -> Iterator[Subscription]:
        yield from self._everything
        by_pipeline = self._by_pipeline.get(pipeline, {})
        yield from by_pipeline
        for follower in self._by_run.get(run_id, ()):
            if follower not in by_pipeline:
                yield follower

    def _add(self, follower: Subscription) -> None:
        self.present[follower] = None
        topics = follower.topics
        if topics.is_everything:
            self._everything[follower] = None
            return
        for pipeline in topics.pipelines:
            self._by_pipeline.setdefault(pipeline, {})[follower] = None
        for run_id in topics.runs:
            self._by_run.setdefault(run_id, {})[follower] = None


def _tell_joining(follower: Subscription, news: News) -> None:
    position, topics = follower.position, follower.topics
    if position is None:
        for each in news.runs:
            after = topics.runs.get(each.event.run_id)
            if after is not None and each.event.seq > after:
                follower.put(Told(each.event, each.pipeline, None), position=news.snapshot)
        follower.put(Began(news.snapshot), position=news.snapshot)
    elif position.xmax > news.snapshot.xmax:
        follower.put(Resync(ResyncReason.UNKNOWN_CURSOR, news.snapshot), position=news.snapshot)
    elif not news.is_complete_for(position):
        follower.put(Resync(ResyncReason.FAR_BEHIND, news.snapshot), position=news.snapshot)
    else:
        follower.put(Began(position), position=news.snapshot)
        missed = [each for each in news.events if not position.sees(each.xact)]
        for told, each in zip(_told(missed, position, news.snapshot), missed, strict=True):
            if topics.take(each.event.run_id, each.pipeline):
                follower.put(told, position=news.snapshot)


def _told(new: Sequence[NewEvent], position: Snapshot, snapshot: Snapshot) -> Iterator[Told]:
    """In the order of transactions, each with the position after it where it is the last of its transaction."""
    for place, each in enumerate(new):
        following = new[place + 1].xact if place + 1 < len(new) else None
        after = None
        if following is None:
            after = snapshot
        elif following != each.xact:
            after = position.after(each.xact, snapshot)
        yield Told(each.event, each.pipeline, after)


def _take_out(index: dict[UUID, _Set] | dict[str, _Set], name: UUID | str, follower: Subscription) -> None:
    there: _Set | None = index.get(name)  # type: ignore[arg-type]  # the name is of this index
    if there is not None:
        there.pop(follower, None)
        if not there:
            del index[name]  # type: ignore[arg-type]  # the same
