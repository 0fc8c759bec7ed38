"""The builder's methods for the kinds that wait for somebody, or reach outside. Used through `builder.Pipeline`.

Invariant: as in `kind_stages`, each says with its type what the kind puts out.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Unpack, overload

from tegu.domain.json import JsonObject
from tegu.pipeline.definition import TIMEOUT_S
from tegu.pipeline.draft import Draft, Inputs
from tegu.pipeline.node import Field, Items, Node, Otherwise, SomeItems
from tegu.pipeline.outputs import HttpResponse, ReceivedSignal, SentMessage, Waited
from tegu.pipeline.outside_options import (
    HttpOptions,
    HttpSettings,
    SignalOptions,
    SignalSettings,
    TimeOptions,
    TimeSettings,
    apart,
)
from tegu.pipeline.stage_options import FlowOptions


class OutsideStages(Draft):
    """Stages that wait for a time or a signal, and stages that ask and tell others."""

    @overload
    def wait(
        self,
        name: str,
        **options: Unpack[TimeOptions],
    ) -> Node[Waited]: ...
    @overload
    def wait(
        self,
        name: str,
        *,
        when: str | Otherwise,
        **options: Unpack[TimeOptions],
    ) -> Node[Waited | None]: ...
    @overload
    def wait(
        self,
        name: str,
        *,
        each: Items[Any],
        **options: Unpack[TimeOptions],
    ) -> Node[list[Waited]]: ...
    @overload
    def wait(
        self,
        name: str,
        *,
        each: Items[Any],
        when: str | Otherwise,
        **options: Unpack[TimeOptions],
    ) -> Node[list[Waited | None]]: ...
    @overload
    def wait(
        self,
        name: str,
        *,
        each: SomeItems[Any],
        when: str | Otherwise = ...,
        **options: Unpack[TimeOptions],
    ) -> Node[list[Waited | None]]: ...
    @overload
    def wait(
        self,
        name: str,
        **options: Unpack[SignalOptions],
    ) -> Node[ReceivedSignal]: ...
    @overload
    def wait(
        self,
        name: str,
        *,
        when: str | Otherwise,
        **options: Unpack[SignalOptions],
    ) -> Node[ReceivedSignal | None]: ...
    @overload
    def wait(
        self,
        name: str,
        *,
        each: Items[Any],
        **options: Unpack[SignalOptions],
    ) -> Node[list[ReceivedSignal]]: ...
    @overload
    def wait(
        self,
        name: str,
        *,
        each: Items[Any],
        when: str | Otherwise,
        **options: Unpack[SignalOptions],
    ) -> Node[list[ReceivedSignal | None]]: ...
    @overload
    def wait(
        self,
        name: str,
        *,
        each: SomeItems[Any],
        when: str | Otherwise = ...,
        **options: Unpack[SignalOptions],
    ) -> Node[list[ReceivedSignal | None]]: ...
    def wait(self, name: str, **options: Any) -> Node[Any]:
        """Go on at a time (`seconds`, `until`), or when the run is sent a `signal`. It costs nothing meanwhile."""
        settings = apart(options, TimeSettings, SignalSettings)
        inputs: list[Node[Any]] = []
        if isinstance(until := settings.get("until"), Field):
            inputs, settings["until"] = [until.node], until.path
        elif isinstance(until, datetime):
            settings["until"] = until.isoformat()
        return self._add(name, "wait", settings, inputs, options)

    @overload
    def http(
        self,
        name: str,
        url: str,
        *,
        inputs: Inputs = None,
        **options: Unpack[HttpOptions],
    ) -> Node[HttpResponse]: ...
    @overload
    def http(
        self,
        name: str,
        url: str,
        *,
        inputs: Inputs = None,
        when: str | Otherwise,
        **options: Unpack[HttpOptions],
    ) -> Node[HttpResponse | None]: ...
    @overload
    def http(
        self,
        name: str,
        url: str,
        *,
        inputs: Inputs = None,
        each: Items[Any],
        **options: Unpack[HttpOptions],
    ) -> Node[list[HttpResponse]]: ...
    @overload
    def http(
        self,
        name: str,
        url: str,
        *,
        inputs: Inputs = None,
        each: Items[Any],
        when: str | Otherwise,
        **options: Unpack[HttpOptions],
    ) -> Node[list[HttpResponse | None]]: ...
    @overload
    def http(
        self,
        name: str,
        url: str,
        *,
        inputs: Inputs = None,
        each: SomeItems[Any],
        when: str | Otherwise = ...,
        **options: Unpack[HttpOptions],
    ) -> Node[list[HttpResponse | None]]: ...
    def http(self, name: str, url: str, *, inputs: Inputs = None, **options: Any) -> Node[Any]:
        """Ask a service. What changes from run to run goes into the query or the body, by handles; without `inputs` they are
        all that is read.
        """
        settings = apart(options, HttpSettings)
        read = list(inputs or ())
        for key in ("query_from", "body_from"):
            if isinstance(node := settings.get(key), Node):
                settings[key] = node.name
                read += [node] if all(each.name != node.name for each in read) else []
        if settings.get("timeout_s", 0) > TIMEOUT_S:  # an attempt is to have as long as its request
            options["timeout_s"] = settings["timeout_s"]
        if (credential := settings.pop("credential", None)) is not None:
            settings["auth"] = {"credential": credential}
        return self._add(name, "http", {"url": url, **settings}, read, options)

    @overload
    def webhook(
        self,
        name: str,
        inputs: Sequence[Node[Any]],
        *,
        event: str,
        webhook: str | None = None,
        **options: Unpack[FlowOptions],
    ) -> Node[SentMessage]: ...
    @overload
    def webhook(
        self,
        name: str,
        inputs: Sequence[Node[Any]],
        *,
        event: str,
        webhook: str | None = None,
        when: str | Otherwise,
        **options: Unpack[FlowOptions],
    ) -> Node[SentMessage | None]: ...
    @overload
    def webhook(
        self,
        name: str,
        inputs: Sequence[Node[Any]],
        *,
        event: str,
        webhook: str | None = None,
        each: Items[Any],
        **options: Unpack[FlowOptions],
    ) -> Node[list[SentMessage]]: ...
    @overload
    def webhook(
        self,
        name: str,
        inputs: Sequence[Node[Any]],
        *,
        event: str,
        webhook: str | None = None,
        each: Items[Any],
        when: str | Otherwise,
        **options: Unpack[FlowOptions],
    ) -> Node[list[SentMessage | None]]: ...
    @overload
    def webhook(
        self,
        name: str,
        inputs: Sequence[Node[Any]],
        *,
        event: str,
        webhook: str | None = None,
        each: SomeItems[Any],
        when: str | Otherwise = ...,
        **options: Unpack[FlowOptions],
    ) -> Node[list[SentMessage | None]]: ...
    def webhook(
        self,
        name: str,
        inputs: Sequence[Node[Any]],
        *,
        event: str,
        webhook: str | None = None,
        **options: Any,
    ) -> Node[Any]:
        """Tell your own systems, by all webhooks that want messages of pipelines, or the one of this id or description."""
        settings: JsonObject = {"event": event} if webhook is None else {"event": event, "webhook": webhook}
        return self._add(name, "webhook", settings, inputs, options)
