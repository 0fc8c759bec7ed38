"""How often one address, and one actor, may ask.

Called by `service`: the address's share is taken before anything is done, the actor's when it is known who asks. Invariant: an
answer says how much is left of the share that is nearest to its end.
"""

from math import ceil

from tegu.actions.throttle import network_of
from tegu.domain.actor import Actor
from tegu.domain.errors import QuotaError
from tegu.interfaces.http.asgi import Application, Message, Receive, Send, path_of, respond_problem
from tegu.interfaces.http.buckets import Buckets, Taken

_TAKEN = "tegu.taken"
_FREE = frozenset({"/health"})


class AddressRates:
    """Refuses an address that asks too often."""

    def __init__(self, inner: Application, buckets: Buckets) -> None:
        self._inner = inner
        self._buckets = buckets

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or path_of(scope) in _FREE:
            return await self._inner(scope, receive, send)
        client: tuple[str, int] | None = scope.get("client")
        taken = self._buckets.take(network_of(client[0] if client else ""))
        if taken.retry_after_s is not None:
            wait = str(ceil(taken.retry_after_s)).encode()
            return await respond_problem(
                send, scope, 429, "rate_limited", "this address asks too often",
                hint=f"again in {taken.retry_after_s:.1f} s", headers=((b"retry-after", wait), *taken.headers),
            )  # fmt: skip
        scope[_TAKEN] = taken

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                nearest: Taken = scope[_TAKEN]
                message = {**message, "headers": [*message.get("headers", ()), *nearest.headers]}
            await send(message)

        return await self._inner(scope, receive, telling)


class ActorRates:
    """Refuses an actor who asks too often, from whatever address."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    def check(self, actor: Actor, scope: Message) -> None:
        """One more request of this actor. Raises QuotaError."""
        taken = self._buckets.take((actor.organization_id, actor.kind, actor.id))
        nearest = scope.get(_TAKEN)
        if nearest is None or taken.remaining < nearest.remaining:
            scope[_TAKEN] = taken
        if taken.retry_after_s is not None:
            raise QuotaError(
                "you ask too often",
                hint=f"again in {taken.retry_after_s:.1f} s",
                code="rate_limited",
                retry_after_s=taken.retry_after_s,
            )
