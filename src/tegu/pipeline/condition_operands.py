"""What the parts of a condition are (text, a number, a list, ...), and the operators that such parts can never be given to.

Called by `condition_types` for expressions that compile. Invariant: it speaks only of what is certain; what is not known, or
nested deeper than anybody writes, passes.
"""

import operator as compare
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from tegu.domain.errors import Problem
from tegu.pipeline.expression import COMPARISONS, LOOPS, Literal, Token, literal_of, tokens_of
from tegu.pipeline.report import TYPE_WORDS

BOOLEAN, STRING, INTEGER, NUMBER, ARRAY, OBJECT, NULL = (
    "boolean",
    "string",
    "integer",
    "number",
    "array",
    "object",
    "null",
)
_DECIMAL = "decimal"
"""A number that is none of the whole ones, as a literal with a point is; `number` may be either."""
_NUMBERS = frozenset({INTEGER, NUMBER, _DECIMAL})
_WORDS = TYPE_WORDS | {_DECIMAL: TYPE_WORDS[NUMBER]}
_ORDER = frozenset({"<", "<=", ">", ">="})
_LEVELS = {"||": 1, "&&": 2, "in": 3, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5} | dict.fromkeys(COMPARISONS, 3)
_ASKED: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": compare.eq,
    "!=": compare.ne,
    "<": compare.lt,
    "<=": compare.le,
    ">": compare.gt,
    ">=": compare.ge,
}
_MADE = {
    "size": INTEGER,
    "int": INTEGER,
    "uint": INTEGER,
    "double": _DECIMAL,
    "string": STRING,
    "has": BOOLEAN,
}
_OF_TEXT = frozenset({"contains", "startsWith", "endsWith", "matches"})
_DEPTH_MAX = 40

KindOf = Callable[[str, tuple[str, ...]], str | None]
"""The JSON type of what stands at a path; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What can never be right, and what is odd."""

    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a comparison says of a path."""

    path: str
    operator: str
    literal: Literal


@dataclass(frozen=True, slots=True)
class _Operand:
    text: str
    kind: str | None = None
    literal: Literal | None = None
    is_path: bool = False
    claims: tuple[_Claim, ...] = ()

    @property
    def shown(self) -> str:
        return f"'{self.text}'" if self.is_path else self.text

    @property
    def word(self) -> str:
        return _WORDS.get(self.kind or "", "unknown")


class _NotUnderstoodError(Exception):
    """Something is written that is not looked at here."""


def examine_operands(text: str, kind_of: KindOf) -> Findings:
    """Everything that is wrong or odd in the operators of a condition."""
    reader = _Reader(text, kind_of)
    try:
        reader.read()
    except _NotUnderstoodError:
        return Findings()
    return Findings(tuple(reader.problems), tuple(reader.warnings))


class _Reader:
    """Reads the expression once, by the strength of its operators; a chain of them is a loop, no recursion."""

    def __init__(self, text: str, kind_of: KindOf) -> None:
        self._text = text
        self._kind_of = kind_of
        self._tokens = tokens_of(text)
        self._at = 0
        self._depth = 0
        self._loop_variables: list[str] = []
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def read(self) -> None:
        whole = self._expression()
        if self._at < len(self._tokens):
            raise _NotUnderstoodError
        if whole.kind not in {None, BOOLEAN}:
            what = "ask for a field of it" if whole.kind == OBJECT else "compare it with something"
            message = f"{whole.shown} is {whole.word}, and a condition is true or false"
            self.problems.append(Problem("", message, what))

    def _expression(self) -> _Operand:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise _NotUnderstoodError
        start = self._at
        found = self._chain(1)
        if self._take("?"):
            self._want(found, {BOOLEAN}, "before ? stands what is true or false")
            first = self._expression()
            self._expect(":")
            second = self._expression()
            found = _Operand(self._since(start), first.kind if first.kind == second.kind else None)
        self._depth -= 1
        return found

    def _chain(self, level: int) -> _Operand:
        start = self._at
        left = self._signed()
        while _LEVELS.get(operator := self._peek(), 0) >= level:
            self._at += 1
            right = self._chain(_LEVELS[operator] + 1)
            left = self._joined(self._since(start), left, operator, right)
        return left

    def _joined(self, text: str, left: _Operand, operator: str, right: _Operand) -> _Operand:
        match operator:
            case "&&" | "||":
                for each in (left, right):
                    self._want(each, {BOOLEAN}, f"{operator} joins what is true or false")
                claims = self._both(left, right) if operator == "&&" else ()
                return _Operand(text, BOOLEAN, claims=claims)
            case "in":
                self._want(right, {ARRAY, OBJECT}, "`in` looks into a list; of a text, ask .contains(...)")
                return _Operand(text, BOOLEAN)
            case "+" | "-" | "*" | "/" | "%":
                return _Operand(text, self._computed(text, left, operator, right))
            case _:
                self._compare(left, operator, right)
                if not left.is_path or right.literal is None:
                    return _Operand(text, BOOLEAN)
                return _Operand(text, BOOLEAN, claims=(_Claim(left.text, operator, right.literal),))

    def _compare(self, left: _Operand, operator: str, right: _Operand) -> None:
        kinds = {_family(left.kind), _family(right.kind)}
        if None in kinds:
            return
        is_ordered = operator in _ORDER
        if len(kinds) > 1 and (is_ordered or NULL not in kinds):
            message = f"{left.shown} is {left.word}, and {right.shown} is {right.word}"
            self.problems.append(Problem("", message, f"compare it with {left.word}"))
        elif is_ordered and kinds & {ARRAY, OBJECT, NULL}:
            self._want(left, {NUMBER, STRING}, f"{operator} compares numbers or texts")

    def _computed(self, text: str, left: _Operand, operator: str, right: _Operand) -> str | None:
        taken = {*_NUMBERS, STRING, ARRAY} if operator == "+" else _NUMBERS
        words = "numbers, texts or lists" if operator == "+" else "numbers"
        fits = [self._want(each, taken, f"{operator} takes {words}") for each in (left, right)]
        if not all(fits) or left.kind is None or right.kind is None:
            return None
        if _family(left.kind) != _family(right.kind):
            message = f"{left.shown} is {left.word}, and {right.shown} is {right.word}"
            self.problems.append(Problem("", message, f"{operator} takes two of a kind"))
            return None
        if left.kind == right.kind:
            return left.kind
        whole = next((each for each in (left, right) if each.kind == INTEGER), None)
        hint = "write double(...) around what may be whole, and a literal with a point: 100.0"
        if whole is not None and NUMBER not in {left.kind, right.kind}:
            message = f"in {text!r} {whole.shown} is a whole number, and the other is not"
            self.problems.append(Problem("", message, hint))
        else:
            self.warnings.append(
                Problem("", f"{text!r} fails where only one of both is a whole number", hint)
            )
        return NUMBER

    def _both(self, left: _Operand, right: _Operand) -> tuple[_Claim, ...]:
        for first, second in product(left.claims, right.claims):
            if first.path == second.path and not _can_both_hold(first, second):
                message = f"{first.path!r} cannot be {_said(first)} and {_said(second)}: it is never true"
                self.warnings.append(Problem("", message, "one of both, or || between them"))
        return (*left.claims, *right.claims)

    def _want(self, operand: _Operand, taken: set[str] | frozenset[str], why: str) -> bool:
        if operand.kind is None or operand.kind in taken:
            return True
        self.problems.append(Problem("", f"{operand.shown} is {operand.word}", why))
        return False

    def _signed(self) -> _Operand:
        start, signs = self._at, list[str]()
        while self._peek() in {"!", "-"}:
            signs.append(self._peek())
            self._at += 1
        found = self._member()
        if not signs:
            return found
        is_not = signs[0] == "!"
        self._want(
            found,
            {BOOLEAN} if is_not else _NUMBERS,
            f"{signs[0]} takes {_WORDS[BOOLEAN if is_not else NUMBER]}",
        )
        minus = isinstance(found.literal, float) and signs == ["-"]
        literal = -found.literal if minus and isinstance(found.literal, float) else None
        return _Operand(self._since(start), BOOLEAN if is_not else found.kind, literal)

    def _member(self) -> _Operand:
        start = self._at
        found = self._primary()
        while (mark := self._peek()) in {".", "["}:
            self._at += 1
            if mark == "[":
                self._arguments("]")
                found = _Operand(self._since(start))
                continue
            name = self._next().text
            if not self._take("("):
                found = _Operand(self._since(start))
            elif name in LOOPS:
                found = self._loop(start, found)
            else:
                found = self._called(start, name, [found, *self._arguments(")")], is_method=True)
        return found

    def _primary(self) -> _Operand:
        start, token = self._at, self._next()
        match token.kind, token.text:
            case "other", "(":
                found = self._expression()
                self._expect(")")
                return found
            case "other", "[":
                self._arguments("]")
                return _Operand(self._since(start), ARRAY)
            case "other", "{":
                self._arguments("}")
                return _Operand(self._since(start), OBJECT)
            case "string" | "number", text:
                return _Operand(text, _kind_of_literal(text), literal_of(text))
            case "name", "true" | "false" as text:
                return _Operand(text, BOOLEAN, literal_of(text))
            case "name", "null":
                return _Operand("null", NULL)
            case "name", name if self._take("("):
                return self._called(start, name, self._arguments(")"))
            case "name", name:
                return self._path(start, name)
            case _:
                raise _NotUnderstoodError

    def _path(self, start: int, name: str) -> _Operand:
        fields: list[str] = []
        while self._peek() == "." and self._peek(2) != "(" and self._at + 1 < len(self._tokens):
            fields.append(self._tokens[self._at + 1].text)
            self._at += 2
        if name in self._loop_variables:
            return _Operand(self._since(start))
        return _Operand(self._since(start), self._kind_of(name, tuple(fields)), is_path=True)

    def _loop(self, start: int, over: _Operand) -> _Operand:
        name = self._tokens[self._at - 2].text
        self._want(over, {ARRAY, OBJECT}, f"{name} goes over a list")
        self._loop_variables.append(self._next().text)
        self._expect(",")
        self._want(self._expression(), {BOOLEAN}, f"{name} asks what is true or false")
        self._expect(")")
        self._loop_variables.pop()
        return _Operand(self._since(start), ARRAY if name == "filter" else BOOLEAN)

    def _called(self, start: int, name: str, given: list[_Operand], *, is_method: bool = False) -> _Operand:
        if name == "size" and given:
            self._want(
                given[0], {STRING, ARRAY, OBJECT}, "size(...) counts what is in a text, a list or a mapping"
            )
        if name in _OF_TEXT and is_method:
            for each in given:
                self._want(each, {STRING}, f"{name} compares text")
            return _Operand(self._since(start), BOOLEAN)
        return _Operand(self._since(start), INTEGER if name.startswith("get") else _MADE.get(name))

    def _arguments(self, end: str) -> list[_Operand]:
        found: list[_Operand] = []
        while not self._take(end):
            found.append(self._expression())
            if not self._take(",") and not (end == "}" and self._take(":")) and self._peek() != end:
                raise _NotUnderstoodError
        return found

    def _since(self, start: int) -> str:
        return self._text[self._tokens[start].start : self._tokens[self._at - 1].end]

    def _peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at].text if at < len(self._tokens) else ""

    def _next(self) -> Token:
        if self._at >= len(self._tokens):
            raise _NotUnderstoodError
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, text: str) -> bool:
        is_there = self._peek() == text
        self._at += is_there
        return is_there

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise _NotUnderstoodError


def _family(kind: str | None) -> str | None:
    return NUMBER if kind in _NUMBERS else kind


def _kind_of_literal(text: str) -> str | None:
    if text[0].isdigit():
        return _DECIMAL if not text.startswith("0x") and any(mark in text for mark in ".eE") else INTEGER
    return STRING if text[:1] in {"'", '"'} or (text[:1] in {"r", "R"} and text[1:2] in {"'", '"'}) else None


def _said(claim: _Claim) -> str:
    literal = (
        int(claim.literal)
        if isinstance(claim.literal, float) and claim.literal.is_integer()
        else claim.literal
    )
    return f"{claim.operator} {literal!r}"


def _can_both_hold(first: _Claim, second: _Claim) -> bool:
    return any(_holds(first, value) and _holds(second, value) for value in _candidates(first, second))


def _candidates(first: _Claim, second: _Claim) -> Iterator[Literal]:
    """Values enough to decide: both literals, one between, one beyond each, and one that is neither."""
    yield from (first.literal, second.literal)
    if isinstance(first.literal, float) and isinstance(second.literal, float):
        low, high = sorted((first.literal, second.literal))
        yield from (low - 1, (low + high) / 2, high + 1)
    elif isinstance(first.literal, str) and isinstance(second.literal, str):
        # Before, between and behind them in the order of texts.
        yield from ("", min(first.literal, second.literal) + "\0", max(first.literal, second.literal) + "\0")
    else:
        yield from (True, False)


def _holds(claim: _Claim, value: Literal) -> bool:
    return type(value) is not type(claim.literal) or _ASKED[claim.operator](value, claim.literal)
