"""Which reply a request gets: the script, and what has been used up of it.

Called by the server. Invariant: rules are tried in their order, and a rule gives at most its `times` replies.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tegu.testing.scripted.routes import ProviderRequest
from tegu.testing.scripted.script import Match, Reply, Rule, Script

ReplyFunction = Callable[[ProviderRequest], Reply | Awaitable[Reply | None] | None]
"""A script as code. None leaves the request to the default reply; an awaitable may hold it as long as it likes."""

AnyScript = Script | Sequence[Rule] | ReplyFunction


@dataclass(frozen=True, slots=True)
class Chosen:
    """A reply, and the index of the rule that gave it."""

    reply: Reply
    rule: int | None = None


class ScriptState:
    """A script in use by one server."""

    def __init__(self, script: AnyScript | None) -> None:
        self._function: ReplyFunction | None = None
        self._script = Script()
        match script:
            case None:
                pass
            case Script():
                self._script = script
            case Sequence():
                self._script = Script(tuple(script))
            case _:
                self._function = script
        self._reached = [0] * len(self._script.rules)
        self._fired = [0] * len(self._script.rules)

    @property
    def may_wait(self) -> bool:
        """True for a reply function, which may hold a request."""
        return self._function is not None

    @property
    def unused(self) -> list[Rule]:
        """Rules with a limit that have replies left: a test may want there to be none."""
        return [
            rule
            for rule, fired in zip(self._script.rules, self._fired, strict=True)
            if rule.times is not None and fired < rule.times
        ]

    async def choose(self, request: ProviderRequest) -> Chosen:
        """The reply for this request; using it up."""
        if self._function is not None:
            reply = self._function(request)
            if inspect.isawaitable(reply):
                reply = await reply
            return Chosen(reply or self._script.default)
        for index, rule in enumerate(self._script.rules):
            if self._takes(index, rule, request):
                return Chosen(rule.reply, index)
        return Chosen(self._script.default)

    def _takes(self, index: int, rule: Rule, request: ProviderRequest) -> bool:
        if rule.times is not None and self._fired[index] >= rule.times:
            return False
        if not _accepts(rule.match, request):
            return False
        self._reached[index] += 1
        if rule.match.nth is not None and self._reached[index] != rule.match.nth:
            return False
        self._fired[index] += 1
        return True


def _accepts(match: Match, request: ProviderRequest) -> bool:
    if match.wire is not None and match.wire != request.wire:
        return False
    if match.model is not None and match.model != request.model:
        return False
    return all(text in request.prompt for text in match.contains)
