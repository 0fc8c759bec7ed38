"""The builder's method for Python stages. Used through `builder.Pipeline`.

Invariant: the type checker compares every wire with the parameter that it goes into, and the last parameter with the
context; the check compares them again when the pipeline is loaded.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, Unpack, overload

from tegu.domain.errors import UsageError
from tegu.domain.json import JsonObject
from tegu.pipeline.definition import PYTHON_KIND
from tegu.pipeline.draft import Draft, Function
from tegu.pipeline.function import AnyStageContext, stage_metadata
from tegu.pipeline.node import Items, Node, Otherwise, SomeItems
from tegu.pipeline.stage_options import AnyOptions, ConditionalOptions, StageOptions

OutputT = TypeVar("OutputT")
ItemT = TypeVar("ItemT")
ContextT = TypeVar("ContextT", bound=AnyStageContext)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")


class FunctionStages(Draft):
    """Stages that are functions."""

    @overload
    def stage(
        self,
        name: str,
        function: Callable[[ContextT], Awaitable[OutputT] | OutputT],
        /,
        **options: Unpack[StageOptions],
    ) -> Node[OutputT]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[ContextT], Awaitable[OutputT] | OutputT],
        /,
        **options: Unpack[ConditionalOptions],
    ) -> Node[OutputT | None]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        /,
        **options: Unpack[StageOptions],
    ) -> Node[OutputT]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        /,
        **options: Unpack[ConditionalOptions],
    ) -> Node[OutputT | None]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, B, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        b: Node[B],
        /,
        **options: Unpack[StageOptions],
    ) -> Node[OutputT]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, B, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        b: Node[B],
        /,
        **options: Unpack[ConditionalOptions],
    ) -> Node[OutputT | None]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, B, C, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        b: Node[B],
        c: Node[C],
        /,
        **options: Unpack[StageOptions],
    ) -> Node[OutputT]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, B, C, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        b: Node[B],
        c: Node[C],
        /,
        **options: Unpack[ConditionalOptions],
    ) -> Node[OutputT | None]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, B, C, D, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        b: Node[B],
        c: Node[C],
        d: Node[D],
        /,
        **options: Unpack[StageOptions],
    ) -> Node[OutputT]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, B, C, D, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        b: Node[B],
        c: Node[C],
        d: Node[D],
        /,
        **options: Unpack[ConditionalOptions],
    ) -> Node[OutputT | None]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, B, C, D, E, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        b: Node[B],
        c: Node[C],
        d: Node[D],
        e: Node[E],
        /,
        **options: Unpack[StageOptions],
    ) -> Node[OutputT]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, B, C, D, E, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        b: Node[B],
        c: Node[C],
        d: Node[D],
        e: Node[E],
        /,
        **options: Unpack[ConditionalOptions],
    ) -> Node[OutputT | None]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, B, C, D, E, F, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        b: Node[B],
        c: Node[C],
        d: Node[D],
        e: Node[E],
        f: Node[F],
        /,
        **options: Unpack[StageOptions],
    ) -> Node[OutputT]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, B, C, D, E, F, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        b: Node[B],
        c: Node[C],
        d: Node[D],
        e: Node[E],
        f: Node[F],
        /,
        **options: Unpack[ConditionalOptions],
    ) -> Node[OutputT | None]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[ItemT, ContextT], Awaitable[OutputT] | OutputT],
        /,
        *,
        each: Items[ItemT],
        **options: Unpack[StageOptions],
    ) -> Node[list[OutputT]]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[ItemT, ContextT], Awaitable[OutputT] | OutputT],
        /,
        *,
        each: Items[ItemT],
        when: str | Otherwise,
        **options: Unpack[StageOptions],
    ) -> Node[list[OutputT | None]]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[ItemT, ContextT], Awaitable[OutputT] | OutputT],
        /,
        *,
        each: SomeItems[ItemT],
        when: str | Otherwise = ...,
        **options: Unpack[StageOptions],
    ) -> Node[list[OutputT | None]]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, ItemT, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        /,
        *,
        each: Items[ItemT],
        **options: Unpack[StageOptions],
    ) -> Node[list[OutputT]]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, ItemT, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        /,
        *,
        each: Items[ItemT],
        when: str | Otherwise,
        **options: Unpack[StageOptions],
    ) -> Node[list[OutputT | None]]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, ItemT, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        /,
        *,
        each: SomeItems[ItemT],
        when: str | Otherwise = ...,
        **options: Unpack[StageOptions],
    ) -> Node[list[OutputT | None]]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, B, ItemT, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        b: Node[B],
        /,
        *,
        each: Items[ItemT],
        **options: Unpack[StageOptions],
    ) -> Node[list[OutputT]]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, B, ItemT, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        b: Node[B],
        /,
        *,
        each: Items[ItemT],
        when: str | Otherwise,
        **options: Unpack[StageOptions],
    ) -> Node[list[OutputT | None]]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, B, ItemT, ContextT], Awaitable[OutputT] | OutputT],
        a: Node[A],
        b: Node[B],
        /,
        *,
        each: SomeItems[ItemT],
        when: str | Otherwise = ...,
        **options: Unpack[StageOptions],
    ) -> Node[list[OutputT | None]]: ...
    def stage(
        self, name: str, function: Function, /, *inputs: Node[Any], **options: Unpack[AnyOptions]
    ) -> Node[Any]:
        """A function made with `@stage`, async or not, and the wires to its parameters in order, at most six. One that runs
        once per item (`each=`) takes the item after two wires at most, as its last parameter before the context.

        Its retries and timeout are the function's unless said otherwise here.
        """
        metadata = stage_metadata(function)
        limits: AnyOptions = {"retries": metadata.retries, "timeout_s": metadata.timeout_s}
        config: JsonObject = {"function": metadata.key}
        node = self._add(name, PYTHON_KIND, config, inputs, {**limits, **options})
        if self._functions.setdefault(metadata.key, function) is not function:
            hint = "raise the version of one of them, or give it another name"
            raise UsageError(f"there are two functions {metadata.key!r}", hint=hint)
        return node
