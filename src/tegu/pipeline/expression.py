"""What stands in a CEL expression: names, fields and functions, and whether its loops are harmless.

Called by `condition` before it compiles. Invariant: inside a loop only the loop's own variable is read, so that the
work stays proportional to the data; the CEL library itself has no limit (`a.map(x, a)` over 1,000 values ran 30 s).
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches

LOOPS = frozenset({"all", "exists", "exists_one", "filter"})
LOOPS_MAX = 5
COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_DOUBLE = frozenset({"==", "!=", "<=", ">=", "&&", "||"})
_PLAIN_STRING = re.compile(r"""'[^'\\\n]*'|"[^"\\\n]*\"""")
_PLAIN_NUMBER = re.compile(r"\d{1,18}(?:\.\d{1,18})?")
FUNCTIONS = LOOPS | frozenset(
    re.findall(
        r"\w+",
        """size has contains startsWith endsWith matches int uint double string bytes type duration timestamp
        getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes getSeconds
        getMilliseconds""",
    )
)
WORDS = frozenset(
    {"true", "false", "null", "in", "bool", "string", "bytes", "list", "map", "null_type", "type"}
) | {"int", "uint", "double"}

_TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*)
    |(?P<string>[rR][bB]?(?:'''[\s\S]*?'''|\"\"\"[\s\S]*?\"\"\"|'[^'\n]*'|"[^"\n]*")
      |[bB]?(?:'''(?:\\[\s\S]|[^\\])*?'''|\"\"\"(?:\\[\s\S]|[^\\])*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))
    |(?P<number>\d[\w.]*(?:(?<=[eE])[+-]\d+)?)
    |(?P<name>[A-Za-z_]\w*|`[^`]*`)
    |(?P<other>[\s\S])""",
    re.VERBOSE,
)


Literal = str | float | bool


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a literal or an operator, and where it stands. `kind` is string, number, name or other."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Read:
    """A value that is read, `classify.category`, and the literal that it is compared with, if it is with one."""

    name: str
    fields: tuple[str, ...]
    operator: str | None = None
    literal: Literal | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """The names read outside of loops, what is read of them, and whether there are loops."""

    names: frozenset[str]
    reads: tuple[Read, ...]
    has_loops: bool


def read_expression(text: str) -> Expression:
    """Read it. Raises ValueError for unknown functions and for loops that could run away."""
    return _Reader([match for match in _TOKEN.finditer(text) if match.lastgroup != "skip"]).read()


def tokens_of(text: str) -> list[Token]:
    """Its tokens in order, operators of two characters as one."""
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        token = Token(match.lastgroup or "other", match[0], match.start(), match.end())
        last = found[-1] if found else None
        if last is not None and last.end == token.start and last.text + token.text in _DOUBLE:
            found[-1] = Token("other", last.text + token.text, last.start, token.end)
        elif token.kind != "skip":
            found.append(token)
    return found


def literal_of(text: str) -> Literal | None:
    """The value of a plain literal without a sign; None of what is none."""
    if text in {"true", "false"}:
        return text == "true"
    if _PLAIN_STRING.fullmatch(text):
        return text[1:-1]
    return float(text) if _PLAIN_NUMBER.fullmatch(text) else None


class _Reader:
    """Walks the tokens once, with the variable of the loop that each open parenthesis belongs to."""

    def __init__(self, tokens: list[re.Match[str]]) -> None:
        self._tokens = tokens
        self._variables: list[str | None] = [None]
        self._names: set[str] = set()
        self._reads: list[Read] = []
        self._loops = 0

    def read(self) -> Expression:
        for i, token in enumerate(self._tokens):
            if token.lastgroup == "name":
                self._name(i, token[0])
            elif token[0] == "(":
                self._variables.append(self._loop_variable(i) or self._variables[-1])
            elif token[0] == ")" and len(self._variables) > 1:
                self._variables.pop()
        if self._loops > LOOPS_MAX:
            raise ValueError(f"there are {self._loops} loops in it; at most {LOOPS_MAX} are allowed")
        return Expression(frozenset(self._names), tuple(self._reads), has_loops=self._loops > 0)

    def _name(self, i: int, name: str) -> None:
        is_member = self._text(i - 1) == "."
        if self._text(i + 1) == "(":
            if name not in FUNCTIONS:
                raise ValueError(f"there is no function {name!r}{_meant(name)}")
            return
        if is_member or name in WORDS:
            return
        variable = self._variables[-1]
        if variable is None:
            self._names.add(name)
            self._reads.append(self._read(i, name))
        elif name != variable:
            raise ValueError(f"inside a loop only its variable {variable!r} may be read, not {name!r}")

    def _read(self, i: int, name: str) -> Read:
        fields: list[str] = []
        while self._text(i + 1) == "." and self._is_name(i + 2) and self._text(i + 3) != "(":
            fields.append(self._text(i + 2))
            i += 2
        operator = self._text(i + 1) + (self._text(i + 2) if self._text(i + 2) == "=" else "")
        if operator not in COMPARISONS:
            return Read(name, tuple(fields))
        literal, end = self._literal(i + 1 + len(operator))
        # Arithmetic and calls make something else of it, and of what is on the left.
        is_whole = self._text(i - 2 * len(fields) - 1) in {"", "(", "&", "|", "!", ",", "?", ":"}
        if literal is None or not is_whole or self._text(end) not in {"", ")", "&", "|", "?", ":", ","}:
            return Read(name, tuple(fields))
        return Read(name, tuple(fields), operator, literal)

    def _literal(self, i: int) -> tuple[Literal | None, int]:
        """The plain literal at a token, None where there is none, and the token behind it."""
        is_negative = self._text(i) == "-"
        i += is_negative
        found = literal_of(self._text(i))
        if is_negative:
            found = -found if isinstance(found, float) else None
        return found, i + (found is not None)

    def _loop_variable(self, i: int) -> str | None:
        if not (self._text(i - 1) in LOOPS and self._text(i - 2) == "."):
            return None
        self._loops += 1
        return self._text(i + 1)

    def _text(self, i: int) -> str:
        return self._tokens[i][0] if 0 <= i < len(self._tokens) else ""

    def _is_name(self, i: int) -> bool:
        return 0 <= i < len(self._tokens) and self._tokens[i].lastgroup == "name"


def _meant(name: str) -> str:
    close = get_close_matches(name, sorted(FUNCTIONS), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
