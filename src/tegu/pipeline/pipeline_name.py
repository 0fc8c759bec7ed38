"""A pipeline as people and documents name it: `invoices`, its current version, or `invoices@3`; `invoices@-1` is a draft.

Used wherever such a name is read. Invariant: this is the one place that knows what the @ means.
"""

from dataclasses import dataclass
from typing import Self

_DIGITS_MAX = 9


@dataclass(frozen=True, slots=True)
class PipelineName:
    """`number` None: the version that is current when it is looked for."""

    name: str
    number: int | None = None

    @classmethod
    def read(cls, text: str) -> Self | None:
        """None where what stands after the @ is no number of a version."""
        name, mark, number = text.partition("@")
        if not mark:
            return cls(name)
        digits = number.removeprefix("-")
        is_number = digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS_MAX
        return cls(name, int(number)) if is_number else None

    @property
    def is_draft(self) -> bool:
        """Whether it is one of those that count down: it gets another number when it is published."""
        return self.number is not None and self.number < 0


def base_name(text: str) -> str:
    """The pipeline, whichever version of it is meant."""
    return text.partition("@")[0]
