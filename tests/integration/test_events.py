"""The live feed over real sockets: nothing is lost, nothing of others is told, and it ends when it must."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from engine_lab import Lab, chain, working
from service_lab import serving
from sse_client import Said, streaming

from tegu.actions.live import Follow, topics_of
from tegu.app import Tegu
from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.errors import UsageError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.engine.event_cursor import UNKNOWN, EventCursors
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import Database, DatabaseAddress
from tegu.storage.event_news import Snapshot
from tegu.testing.scripted import Json, Reply, Rule, ScriptedProvider

KINDS = ["run.started", "stage.started", "stage.completed", "run.completed"]


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules", requests_per_s=1000)
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


@pytest.fixture
async def own(tegu: Tegu, database: Database) -> Lab:
    """Runs of the organization that the client asks for."""
    return Lab(database, (await tegu.scope()).organization_id)


NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "input": "content",
    "stages": {"summary": {"uses": "summarize"}},
}


async def drive(tegu: Tegu, run_id: UUID) -> None:
    await tegu.drive(run_id, timeout_s=60)


def places(found: list[Said]) -> list[tuple[str, int]]:
    return [said.place for said in found if said.kind == "run"]


async def test_what_happens_in_runs_is_told_in_order_from_ready_on(tegu: Tegu, own: Lab) -> None:
    async with serving(tegu) as found, streaming(found.http) as stream:
        assert (await stream.next()).kind == "ready"
        run_id = await own.finish(chain("one", "two"))
        told = await stream.until("run.completed")
        assert places(told) == [(str(run_id), seq) for seq in range(1, len(told) + 1)]
        assert (told[0].data["kind"], told[-1].data["kind"]) == ("run.started", "run.completed")
        assert set(told[0].data) == {"run_id", "seq", "kind", "stage", "data", "at"}


async def test_who_comes_again_with_the_last_id_has_missed_nothing(tegu: Tegu, own: Lab) -> None:
    async with serving(tegu) as found:
        async with streaming(found.http) as stream:
            await stream.until("ready")
            first = await own.finish(chain("one"))
            before = await stream.until("stage.completed")
            last_id = stream.last_id
        assert last_id is not None
        missed = await own.finish(chain("one"))
        async with streaming(found.http, last_id=last_id) as stream:
            assert (await stream.next()).kind == "ready"
            third = await own.finish(chain("one"))
            after: list[Said] = []
            while not after or after[-1].data["run_id"] != str(third):
                after += await stream.until("run.completed")
    once = {*places(before), *places(after)}
    whole = await own.rows("select run_id::text, seq from tegu.run_events")
    assert once == {(row["run_id"], row["seq"]) for row in whole}
    assert {run for run, _ in once} == {str(first), str(missed), str(third)}


async def test_another_process_goes_on_where_the_first_one_ended(tegu: Tegu, own: Lab) -> None:
    async with serving(tegu) as found, streaming(found.http) as stream:
        await stream.until("ready")
        last_id = stream.last_id
    missed = await own.finish(chain("one"))
    async with (
        Tegu(settings=tegu.settings, credentials=EnvironmentCredentials({})) as other,
        serving(other) as found,
        streaming(found.http, last_id=last_id) as stream,
    ):
        told = await stream.until("run.completed")
        assert [place[0] for place in places(told)] == [str(missed)] * (len(told) - 1)


async def test_an_event_whose_transaction_was_open_longest_is_not_lost(
    tegu: Tegu, own: Lab, address: DatabaseAddress
) -> None:
    """It has the smaller number and becomes visible later: what a cursor of numbers would skip."""
    early, late = await own.start(chain("one"), 2)
    insert = (
        "insert into tegu.run_events (organization_id, run_id, seq, kind) values ($1, $2, 1, 'run.started')"
    )
    slow, quick = await asyncpg.connect(address.owner), await asyncpg.connect(address.owner)
    try:
        async with serving(tegu) as found:
            async with streaming(found.http) as stream:
                await stream.until("ready")
                transaction = slow.transaction()
                await transaction.start()
                await slow.execute(insert, own.organization, early)
                await quick.execute(insert, own.organization, late)
                told = await stream.next()
                assert told.place == (str(late), 1)
                last_id = stream.last_id
            async with streaming(found.http, last_id=last_id) as stream, streaming(found.http) as other:
                assert (await stream.next()).kind == "ready"
                assert (await other.next()).kind == "ready"
                await transaction.commit()
                assert (await stream.next()).place == (str(early), 1)
                assert (await other.next()).place == (str(early), 1)
    finally:
        await slow.close()
        await quick.close()


async def follow_with_breaks(
    http: Any, heard: list[tuple[str, int]], ready: asyncio.Event, at_once: int
) -> None:
    """Hear for ever, but only so many events through one connection."""
    last_id: str | None = None
    while True:
        async with streaming(http, last_id=last_id) as stream:
            for _ in range(at_once):
                said = await stream.next(within_s=60)
                ready.set()
                if said.kind == "run":
                    heard.append(said.place)
            last_id = stream.last_id or last_id


async def test_many_clients_that_come_and_go_miss_no_event_and_have_none_out_of_order(
    tegu: Tegu, own: Lab
) -> None:
    heard: list[list[tuple[str, int]]] = [[] for _ in range(10)]
    async with serving(tegu) as found, asyncio.TaskGroup() as group:
        ready = [asyncio.Event() for _ in heard]
        following = [
            group.create_task(follow_with_breaks(found.http, each, ready[n], 130 + 11 * n))
            for n, each in enumerate(heard)
        ]
        for each in ready:
            await each.wait()
        run_ids = await own.start(chain("one", "two", "three"), 40)
        async with working(await own.worker()):
            await own.until(run_ids, timeout_s=60)
        total = (await own.rows("select count(*) as events from tegu.run_events"))[0]["events"]
        async with asyncio.timeout(60):
            while any(len(set(each)) < total for each in heard):
                await asyncio.sleep(0.05)
        for task in following:
            task.cancel()
    for each in heard:
        for run_id in map(str, run_ids):
            seqs = [seq for run, seq in dict.fromkeys(each) if run == run_id]
            assert seqs == list(range(1, len(seqs) + 1))


async def test_a_run_is_told_from_the_number_on_that_the_topic_says(tegu: Tegu, own: Lab) -> None:
    run_id = await own.finish(chain("one"))
    async with serving(tegu) as found:
        async with streaming(found.http, f"run:{run_id}@0") as stream:
            told = await stream.until("ready")
            assert [said.place[1] for said in told[:-1]] == list(range(1, len(told)))
        async with streaming(found.http, f"run:{run_id}@2") as stream:
            assert (await stream.next()).place == (str(run_id), 3)
        async with streaming(found.http, f"run:{run_id}") as stream:
            assert (await stream.next()).kind == "ready"


async def test_topics_are_runs_pipelines_and_single_runs(tegu: Tegu, own: Lab) -> None:
    waits = (await own.start(chain("c")))[0]
    async with (
        serving(tegu) as found,
        streaming(found.http, "pipeline:a") as by_pipeline,
        streaming(found.http, f"run:{waits},pipeline:b") as both,
    ):
        await by_pipeline.until("ready")
        await both.until("ready")
        async with working(await own.worker()):
            run_ids = [(await own.start(chain(name)))[0] for name in ("b", "a")]
            await own.until([*run_ids, waits])
        assert {place[0] for place in places(await by_pipeline.until("run.completed"))} == {str(run_ids[1])}
        heard = await both.until("run.completed") + await both.until("run.completed")
        assert {place[0] for place in places(heard)} == {str(run_ids[0]), str(waits)}


async def test_nothing_of_another_organization_is_told(tegu: Tegu, own: Lab, database: Database) -> None:
    others = Lab(database, (await tegu.for_organization("globex").scope()).organization_id)
    theirs = await others.finish(chain("one"))
    async with serving(tegu) as found, streaming(found.http) as stream:
        await stream.until("ready")
        last_id = stream.last_id
        await others.finish(chain("one"))
        mine = await own.finish(chain("one"))
        assert {place[0] for place in places(await stream.until("run.completed"))} == {str(mine)}
        refused = await found.http.get("/api/events", params={"topics": f"run:{theirs}"})
        unknown = await found.http.get("/api/events", params={"topics": f"run:{new_id()}"})
        assert (refused.status_code, unknown.status_code) == (404, 404)
        # A cursor of ours says nothing there: they are told to begin anew.
        stranger = {"x-user": "globex/eve/viewer"}
        async with streaming(found.http, last_id=last_id, headers=stranger) as foreign:
            said = await foreign.next()
            assert (said.kind, said.data) == ("resync", {"reason": "unknown_cursor"})


async def test_what_is_wrong_with_the_question_is_said_before_the_stream_begins(tegu: Tegu) -> None:
    async with serving(tegu) as found:
        for topics in ("", "all", "run:7", f"run:{new_id()}@x", "pipeline:", ",".join(["runs"] * 101)):
            answer = await found.http.get("/api/events", params={"topics": topics})
            assert answer.status_code == 422, topics
            assert answer.headers["content-type"] == "application/problem+json"


async def test_a_cursor_that_is_none_or_from_nowhere_leads_to_a_resync_and_then_to_everything(
    tegu: Tegu, own: Lab
) -> None:
    async with serving(tegu) as found:
        for nonsense in ("7", "x" * 60, "~~~"):
            async with streaming(found.http, last_id=nonsense) as stream:
                said = await stream.next()
                assert (said.kind, said.data["reason"]) == ("resync", "unknown_cursor")
                run_id = await own.finish(chain("one"))
                assert {place[0] for place in places(await stream.until("run.completed"))} == {str(run_id)}


async def test_who_missed_more_than_is_told_again_is_told_to_resync(
    tegu: Tegu, own: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tegu.engine.broadcast.EVENTS_MAX", 20)
    async with serving(tegu) as found:
        async with streaming(found.http) as stream:
            await stream.until("ready")
            last_id = stream.last_id
        for _ in range(6):
            await own.finish(chain("one"))
        async with streaming(found.http, last_id=last_id) as stream:
            said = await stream.next()
            assert (said.kind, said.data["reason"]) == ("resync", "too_far_behind")
            run_id = await own.finish(chain("one"))
            assert {place[0] for place in places(await stream.until("run.completed"))} == {str(run_id)}


async def test_who_takes_too_slowly_is_told_to_resync_and_goes_on_from_there(
    tegu: Tegu, own: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tegu.engine.subscription.WAITING_MAX", 10)
    monkeypatch.setattr("tegu.interfaces.http.events.BEAT_S", 0.2)
    scope = await tegu.scope()
    async with tegu.runtime.broadcast.subscribe(scope.actor, topics_of(Follow(("runs",)), ALL_ROWS)) as slow:
        (began,) = await slow.take(within_s=20)
        for _ in range(4):
            await own.finish(chain("one"))
        await asyncio.sleep(1)
        notes = await slow.take(within_s=5)
        assert [type(note).__name__ for note in notes[:1]] == ["Resync"]
        assert len(notes) <= 11
        run_id = await own.finish(chain("one"))
        await asyncio.sleep(1)
        told: list[Any] = await slow.take(within_s=5)
        assert {note.event.run_id for note in told} == {run_id}
        assert began != notes[0]


async def test_what_a_model_has_said_so_far_comes_between_the_begin_and_the_end_of_its_attempt(
    opened: Callable[..., AbstractAsyncContextManager[Tegu]],
) -> None:
    slow = Reply(Json({"summary": "Anna was charged twice, and asks for it back. " * 20}), piece_delay_s=0.1)
    async with (
        ScriptedProvider([Rule(slow)]) as server,
        opened(server) as tegu,
        serving(tegu) as found,
        asyncio.TaskGroup() as group,
    ):
        (run_id,) = await tegu.start(NOTE, "A question.")
        async with streaming(found.http, f"run:{run_id}@0", partials="true") as stream:
            await stream.until("ready")
            group.create_task(drive(tegu, run_id))
            told = await stream.until("run.completed")
    kinds = [said.data.get("kind") for said in told]
    partials = [place for place, said in enumerate(told) if said.kind == "partial"]
    assert partials
    assert kinds.index("stage.started") < partials[0]
    assert partials[-1] < kinds.index("stage.completed")
    assert all(told[place].id is None for place in partials)


async def test_when_the_process_is_told_to_stop_every_stream_gets_a_last_event(tegu: Tegu, own: Lab) -> None:
    async with serving(tegu) as found, AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(streaming(found.http)) for _ in range(20)]
        for stream in streams:
            await stream.until("ready")
        tegu.runtime.broadcast.end()
        for stream in streams:
            said = (await stream.until("end"))[-1]
            assert said.data == {"reason": "stopping"}
            with pytest.raises(StopAsyncIteration):
                await stream.next()
        late = await stack.enter_async_context(streaming(found.http))
        assert (await late.next()).data == {"reason": "stopping"}


async def test_nothing_is_asked_of_the_database_while_nobody_follows(tegu: Tegu) -> None:
    broadcast = tegu.runtime.broadcast
    async with serving(tegu) as found:
        async with streaming(found.http) as stream:
            await stream.until("ready")
            assert broadcast.is_looking
        async with asyncio.timeout(10):
            while broadcast.is_looking:
                await asyncio.sleep(0.05)


def test_a_cursor_opens_for_its_organization_alone_and_tells_no_numbers() -> None:
    mine, key = new_id(), bytes(range(32))
    cursors = EventCursors(mine, key, clock=lambda: 1000.0)
    snapshot = Snapshot(123_456, frozenset({123_400, 123_411}))
    written = cursors.write(snapshot)
    assert cursors.read(written) == snapshot
    assert EventCursors(new_id(), key, clock=lambda: 1000.0).read(written) == UNKNOWN
    assert EventCursors(mine, bytes(32), clock=lambda: 1000.0).read(written) == UNKNOWN
    assert EventCursors(mine, key, clock=lambda: 1000.0 + 90_000).read(written) == UNKNOWN
    many = Snapshot(1_000_000, frozenset(range(1000, 2000)))
    shortened = cursors.read(cursors.write(many))
    assert all(not shortened.sees(xact) for xact in [*many.under_way, 1_000_000])


def test_a_snapshot_knows_what_was_read_by_one_who_stopped_in_the_middle() -> None:
    before, later = Snapshot(110, frozenset({100, 104})), Snapshot(130, frozenset({104, 120}))
    middle = before.after(115, later)  # read of the news 100, 110..115
    read = {xact for xact in range(90, 140) if middle.sees(xact)}
    assert read == {*range(90, 104), *range(105, 116)}
    assert {xact for xact in range(90, 140) if not (before | later).sees(xact)} == {
        100,
        104,
        *range(110, 140),
    }


def test_a_key_of_some_pipelines_hears_of_these_alone() -> None:
    rows = Rows(frozenset({"a", "b"}))
    everything = topics_of(Follow(("runs",)), rows)
    assert (everything.is_everything, everything.pipelines) == (False, {"a", "b"})
    assert topics_of(Follow(("pipeline:b", "pipeline:c")), rows).pipelines == {"b"}
    with pytest.raises(UsageError, match="no topic"):
        topics_of(Follow(("everything",)), rows)
    assert replace(everything, runs={UUID(int=1): None}).take(UUID(int=1), "z")
