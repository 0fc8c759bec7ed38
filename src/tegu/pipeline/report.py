"""Where the check collects what it finds. Invariant: a problem gets the line of its place, or of the nearest place
around it that has one; problems come out in the order of their lines, otherwise as found.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from itertools import islice

from tegu.domain.errors import Problem

PROBLEMS_MAX = 200
CHOICES_MAX = 200
TYPE_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
"""What the types of JSON Schema are to authors."""
WORD_LENGTH_MAX = 80
"""Looking for the nearest of many long names is what would make checking a hostile document slow."""


class Report:
    """Problems of one document."""

    def __init__(self, lines: Mapping[str, int], found: Iterable[Problem] = ()) -> None:
        self._lines = lines
        self._problems = list(found)
        self._warnings: list[Problem] = []

    def add(self, place: str, message: str, hint: str | None = None) -> None:
        """Write one down."""
        self._problems.append(Problem(place, message, hint))

    def warn(self, place: str, message: str, hint: str | None = None) -> None:
        """Write down what is odd, and keeps nobody from publishing."""
        self._warnings.append(Problem(place, message, hint))

    def extend(self, problems: Iterable[Problem]) -> None:
        """Write several down."""
        self._problems.extend(problems)

    @property
    def is_full(self) -> bool:
        """Whether nobody would see a further problem."""
        return len(self._problems) > PROBLEMS_MAX

    def problems(self) -> tuple[Problem, ...]:
        """All of them, each once, at most PROBLEMS_MAX."""
        return self._sorted(self._problems)

    def warnings(self) -> tuple[Problem, ...]:
        """All of them, each once, at most PROBLEMS_MAX."""
        return self._sorted(self._warnings)

    def _sorted(self, found: list[Problem]) -> tuple[Problem, ...]:
        unique = dict.fromkeys(self._with_line(problem) for problem in found)
        return tuple(sorted(unique, key=lambda problem: problem.line or 0)[:PROBLEMS_MAX])

    def _with_line(self, problem: Problem) -> Problem:
        place = problem.place
        while problem.line is None and place:
            if place in self._lines:
                return replace(problem, line=self._lines[place])
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        return problem


def did_you_mean(word: str, choices: Iterable[str]) -> str | None:
    """A hint that names the nearest choice, if one is near."""
    near = sorted(choice for choice in islice(choices, CHOICES_MAX) if len(choice) <= WORD_LENGTH_MAX)
    close = get_close_matches(word[:WORD_LENGTH_MAX], near, n=1)
    return f"did you mean {close[0]!r}?" if close else None


def one_of(choices: Iterable[str]) -> str:
    """A hint that lists the choices."""
    return f"one of: {', '.join(sorted(choices))}"


def type_word(value: object) -> str:
    """What a value of a document is, in words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "a mapping"
