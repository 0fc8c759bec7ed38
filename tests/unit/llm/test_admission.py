"""Leave before a call: asked in order, held only while it is used, settled however the attempt ends."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from memory_ledger import MemoryLedger

from tegu.domain.call import Usage
from tegu.domain.errors import NoCapacityError, ProviderError
from tegu.llm.admission import Admission, Ending, Intent, Reservation, headers_heard
from tegu.llm.fallback import ask_in_turn
from tegu.llm.protocol import Credential, ModelRef, ModelReply, ModelRequest
from tegu.llm.structured import CallLimits, Completion, Timing, complete

REQUEST = ModelRequest(model=ModelRef("openai", "gpt-5-mini"), instructions="Say it.")
REPLY = ModelReply("said", "stop", Usage(input_tokens=10, output_tokens=2), Decimal("0.0001"))


async def at_once(seconds: float) -> None:
    del seconds


TIMING = Timing(sleep=at_once, random=lambda: 0.0)


@dataclass
class Gate:
    """An admission that grants while it has room, and writes down what it is told."""

    name: str
    room: int = 100
    log: list[str] = field(default_factory=list[str])
    waits: list[float] = field(default_factory=list[float])

    async def reserve(self, intent: Intent, *, wait_s: float) -> Reservation:
        self.waits.append(wait_s)
        if self.room <= 0:
            raise NoCapacityError(f"{self.name} is full", due_in_s=30.0)
        self.room -= 1
        self.log.append(f"{self.name} reserved{' again' if intent.is_retry else ''}")
        return _Place(self)


@dataclass
class _Place:
    gate: Gate

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        self.gate.log.append(f"{self.gate.name} heard {status} {headers['x-left']}")

    async def settle(self, ending: Ending) -> None:
        self.gate.room += 1
        self.gate.log.append(f"{self.gate.name} {ending.kind}")


@dataclass
class Speaking:
    """A provider that answers in order, and whose responses have headers."""

    answers: list[ModelReply | ProviderError]
    asked: int = 0

    async def request(self, request: ModelRequest, credential: Credential) -> ModelReply:
        self.asked += 1
        heard = headers_heard.get()
        answer = self.answers.pop(0)
        if heard is not None:
            heard(200 if isinstance(answer, ModelReply) else 429, {"x-left": str(self.asked)})
        if isinstance(answer, ProviderError):
            raise answer
        return answer

    async def close(self) -> None: ...


async def ask(
    provider: Speaking, ledger: MemoryLedger, *admissions: Admission, request: ModelRequest = REQUEST
) -> Completion:
    return await complete(
        request,
        provider=provider,
        credential=Credential(),
        ledger=ledger,
        timing=TIMING,
        admissions=admissions,
    )


async def test_leave_is_asked_in_order_and_settled_in_reverse() -> None:
    log: list[str] = []
    first, second = Gate("budget", log=log), Gate("limits", log=log)
    await ask(Speaking([REPLY]), MemoryLedger(), first, second)
    assert log == [
        "budget reserved",
        "limits reserved",
        "budget heard 200 1",
        "limits heard 200 1",
        "limits replied",
        "budget replied",
    ]


async def test_no_row_is_written_and_nothing_is_held_when_there_is_no_room() -> None:
    ledger, provider = MemoryLedger(), Speaking([REPLY])
    first, second = Gate("budget"), Gate("limits", room=0)
    with pytest.raises(NoCapacityError, match="limits is full") as error:
        await ask(provider, ledger, first, second)
    assert error.value.due_in_s == 30.0
    assert (ledger.rows, provider.asked, first.room) == ([], 0, 100)
    assert first.log == ["budget reserved", "budget unused"] * 2
    assert second.waits == [0.0, CallLimits().capacity_wait_s]


async def test_a_reply_that_the_journal_has_needs_no_room() -> None:
    ledger = MemoryLedger()
    await ask(Speaking([REPLY]), ledger, Gate("limits"))
    silent, full = Speaking([]), Gate("limits", room=0)
    done = await ask(silent, ledger, full)
    assert (done.value, silent.asked, full.waits) == ("said", 0, [0.0])


async def test_leave_for_a_reply_that_the_journal_has_is_given_back_unused() -> None:
    ledger, gate = MemoryLedger(), Gate("limits")
    await ask(Speaking([REPLY]), ledger)
    await ask(Speaking([]), ledger, gate)
    assert gate.log == ["limits reserved", "limits unused"]


async def test_each_attempt_needs_leave_of_its_own_and_none_is_held_while_it_sleeps() -> None:
    gate, room = Gate("limits", room=1), list[int]()

    async def sleep(seconds: float) -> None:
        del seconds
        room.append(gate.room)

    broken = ProviderError("it broke", code="server", transient=True)
    await complete(
        REQUEST,
        provider=Speaking([broken, REPLY]),
        credential=Credential(),
        ledger=MemoryLedger(),
        timing=Timing(sleep=sleep),
        admissions=[gate],
    )
    assert room == [1]
    assert [entry for entry in gate.log if "heard" not in entry] == [
        "limits reserved",
        "limits failed",
        "limits reserved again",
        "limits replied",
    ]


async def test_the_row_of_the_ledger_has_the_id_that_leave_was_asked_for() -> None:
    ids: list[object] = []

    class Noting(Gate):
        async def reserve(self, intent: Intent, *, wait_s: float) -> Reservation:
            ids.append(intent.call_id)
            return await super().reserve(intent, wait_s=wait_s)

    ledger = MemoryLedger()
    done = await ask(Speaking([REPLY]), ledger, Noting("limits"))
    assert ids == [done.call_id] == list(ledger.calls)


async def test_a_cancelled_attempt_is_settled_as_abandoned() -> None:
    gate, asked = Gate("limits"), asyncio.Event()

    class Silent(Speaking):
        async def request(self, request: ModelRequest, credential: Credential) -> ModelReply:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    task = asyncio.create_task(ask(Silent([]), MemoryLedger(), gate))
    await asyncio.wait_for(asked.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gate.log == ["limits reserved", "limits abandoned"]


async def test_an_admission_that_fails_to_settle_costs_no_reply() -> None:
    class Careless(Gate):
        async def reserve(self, intent: Intent, *, wait_s: float) -> Reservation:
            del intent, wait_s
            return _Careless(self)

    class _Careless(_Place):
        async def settle(self, ending: Ending) -> None:
            raise RuntimeError(str(ending))

    assert (await ask(Speaking([REPLY]), MemoryLedger(), Careless("limits"))).value == "said"


async def in_turn(*outcomes: Exception | Completion) -> tuple[int, list[str]]:
    requests = [
        ModelRequest(model=ModelRef("openai", name), instructions="Say it.")
        for name in ("first", "second", "third")[: len(outcomes)]
    ]
    waiting = list(outcomes)

    async def one(request: ModelRequest, limits: CallLimits) -> Completion:
        del request, limits
        outcome = waiting.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    answered = await ask_in_turn(
        requests, one, ledger=MemoryLedger(), ordinal=1, limits=CallLimits(), timing=TIMING
    )
    return answered.index, [fallback.code for fallback in answered.fallbacks]


async def test_a_model_without_room_is_passed_over_for_the_next() -> None:
    done = await ask(Speaking([REPLY]), MemoryLedger())
    assert await in_turn(NoCapacityError("full", due_in_s=9.0), done) == (1, ["no_capacity"])


async def test_a_chain_of_which_one_had_no_room_waits_for_it_whatever_the_others_said() -> None:
    refused = ProviderError("wrong key", code="authentication", transient=False)
    with pytest.raises(NoCapacityError) as error:
        await in_turn(NoCapacityError("full", due_in_s=9.0), refused)
    assert error.value.due_in_s == 9.0
    assert "openai:first: no_capacity (full)" in error.value.message
    assert "openai:second: authentication (wrong key)" in error.value.message


async def test_another_model_is_not_asked_where_money_is_what_lacks() -> None:
    spent = NoCapacityError("spent", due_in_s=600.0, code="over_budget")
    done = await ask(Speaking([REPLY]), MemoryLedger())
    with pytest.raises(NoCapacityError, match="spent"):
        await in_turn(spent, done)
