"""The handles that the builder gives out. Used through `builder`; what may be said about any stage is in `stage_options`.

Invariants: a handle holds names only, so that it may be used with the pipeline it came from and read by no one else;
and a `Node[T]` hands a T to whom it is wired to, or that stage is skipped: never None where the type does not say so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from tegu.domain.json import JsonObject
from tegu.pipeline.flow import PARALLEL_ITEMS, EachSpec

OutputT = TypeVar("OutputT")
OutputT_co = TypeVar("OutputT_co", covariant=True)
ItemT = TypeVar("ItemT")
ItemT_co = TypeVar("ItemT_co", covariant=True)
FieldT = TypeVar("FieldT")
FieldT_co = TypeVar("FieldT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Node(Generic[OutputT_co]):
    """A stage of a pipeline under construction, or its source: where a wire begins.

    The handle of a stage with a condition (`when=`) is optional: a `Node[T | None]`. That of one that runs once per item
    (`each=`) is a `Node[list[T]]`.
    """

    name: str
    is_optional: bool = False

    def optional(self) -> "Node[OutputT_co | None]":
        """The same for a stage that goes on without it: None where it was skipped or failed."""
        return Node(self.name, is_optional=True)

    def required(self: "Node[OutputT | None]") -> "Node[OutputT]":
        """The same for a stage that makes no sense without it, and is skipped where it was skipped or failed."""
        return Node(self.name)

    @overload
    def items(self: "Node[list[ItemT]]", *, max_parallel: int = PARALLEL_ITEMS) -> "Items[ItemT]": ...
    @overload
    def items(
        self, pick: Callable[[OutputT_co], Sequence[ItemT]], *, max_parallel: int = PARALLEL_ITEMS
    ) -> "Items[ItemT]": ...
    @overload
    def items(self, pick: str, *, max_parallel: int = PARALLEL_ITEMS) -> "Items[Any]": ...
    def items(self, pick: object = None, *, max_parallel: int = PARALLEL_ITEMS) -> "Items[Any]":
        """What a stage runs over, once per item: the output, if that is a list, or a list in it: `items(lambda found:
        found.people)`, or by its path, `items("people")`. At most `max_parallel` items are under way at once.
        """
        return Items(".".join((self.name, *_steps(pick))), max_parallel)

    def field(self, pick: Callable[[OutputT_co], FieldT]) -> "Field[FieldT]":
        """A field of the output, by what reads it: `field(lambda order: order.due_at)`."""
        return Field(self, _steps(pick))

    @property
    def reference(self) -> str:
        """As documents write it."""
        return f"{self.name}?" if self.is_optional else self.name


@dataclass(frozen=True, slots=True)
class Field(Generic[FieldT_co]):
    """A field of an output, which a stage reads by its path: when a `wait` stage goes on."""

    node: Node[Any]
    steps: tuple[str, ...]

    @property
    def path(self) -> str:
        """As documents write it."""
        return ".".join((self.node.name, *self.steps))


@dataclass(frozen=True, slots=True)
class Items(Generic[ItemT_co]):
    """A list that a stage runs over: its `each=`. If an item fails for good, so does the stage."""

    over: str
    max_parallel: int

    def skip_failed(self, *, at_most: float = 1.0) -> "SomeItems[ItemT_co]":
        """The same where items may fail, up to this share of them; in the stage's output they are None."""
        return SomeItems(self.over, self.max_parallel, at_most)

    def to_json(self) -> JsonObject:
        """As documents write it."""
        return EachSpec(self.over, self.max_parallel).to_json()


@dataclass(frozen=True, slots=True)
class SomeItems(Generic[ItemT_co]):
    """A list that a stage runs over, and of whose items some may fail."""

    over: str
    max_parallel: int
    failed_share_max: float

    def to_json(self) -> JsonObject:
        """As documents write it."""
        return EachSpec(self.over, self.max_parallel, self.failed_share_max).to_json()


@dataclass(frozen=True, slots=True)
class Otherwise:
    """The condition of an else-branch; see `otherwise`."""

    stages: tuple[str, ...]
    when: str | None


def otherwise(*branches: Node[Any], when: str | None = None) -> Otherwise:
    """The condition of a stage that runs where those of all these branches were false, and `when` holds, if it is given:
    `when=otherwise(refund)`.
    """
    return Otherwise(tuple(branch.name for branch in branches), when)


class _Path:
    """Stands for an output, and keeps which fields of it are asked for."""

    def __init__(self, steps: tuple[str, ...] = ()) -> None:
        self._steps_taken = steps

    def __getattr__(self, name: str) -> "_Path":
        return _Path((*self._steps_taken, name))

    def __getitem__(self, name: object) -> "_Path":
        return _Path((*self._steps_taken, str(name)))


def _steps(pick: object) -> tuple[str, ...]:
    """The path below an output. What is no path is left for the check, which says so."""
    if pick is None:
        return ()
    if not callable(pick):
        return (str(pick),)
    picked = pick(_Path())
    return picked._steps_taken if isinstance(picked, _Path) else (repr(picked),)  # noqa: SLF001 (our own, below)
