"""Ray: the only module that speaks to it. An actor is placed where the cluster has room for it.

Called by `tegu worker --ray`. Ray is an extra and has no types that could be relied on without it: it is loaded when it is
needed, and only this module touches what is untyped.
"""

from importlib import import_module
from typing import Any

from tegu.domain.errors import ConfigurationError, UsageError
from tegu.interfaces.ray.actor import WorkerActor, WorkerLook, WorkerOrder
from tegu.interfaces.ray.fleet import MemberGoneError

_CALLS_AT_ONCE = 16


class RayCluster:
    """A connection to an existing cluster. `cpus` is what each worker asks the cluster for."""

    def __init__(self, address: str, *, cpus: float = 1.0) -> None:
        self._address = address
        self._cpus = cpus
        self._ray: Any = None

    def connect(self) -> None:
        """Join the cluster. Raises UsageError without the extra, ConfigurationError when there is no cluster."""
        try:
            self._ray = import_module("ray")
        except ModuleNotFoundError:
            raise UsageError(
                "Ray is not installed here", hint="pip install 'tegu[ray]', on every node of the cluster"
            ) from None
        try:
            self._ray.init(address=self._address, logging_level="warning", log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ConfigurationError(
                f"there is no Ray cluster at {self._address!r}: {error}", hint="see `ray status`"
            ) from error

    def close(self) -> None:
        """Leave the cluster; actors that are still there end with it."""
        self._ray.shutdown()

    def hire(self, order: WorkerOrder) -> "RayMember":
        """A worker, not started yet."""
        kind = self._ray.remote(WorkerActor).options(
            num_cpus=self._cpus,
            max_restarts=0,  # a new one is another worker, and the fleet decides whether it is wanted
            max_concurrency=_CALLS_AT_ONCE,
            scheduling_strategy="SPREAD",
        )
        # The order goes as an argument: what is set as an actor's runtime environment is shown by Ray's tools.
        return RayMember(self._ray, kind.remote(order))


class RayMember:
    """An actor."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray = ray
        self._actor = actor

    async def start(self) -> WorkerLook:
        """See `actor`."""
        return await self._answer(self._actor.start.remote())

    async def look(self) -> WorkerLook:
        """See `actor`."""
        return await self._answer(self._actor.look.remote())

    async def drain(self, grace_s: float) -> int:
        """See `actor`."""
        return await self._answer(self._actor.drain.remote(grace_s))

    def end(self) -> None:
        """See `fleet`."""
        self._ray.kill(self._actor)

    async def _answer(self, reference: Any) -> Any:
        try:
            return await reference
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except self._ray.exceptions.RayError as error:
            raise MemberGoneError(type(error).__name__) from error
