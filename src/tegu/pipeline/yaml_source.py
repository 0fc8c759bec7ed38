"""YAML and JSON text as plain data, with the line of every place; and plain data as YAML text.

Called by `document`, and by `testing.recorded` for recorded exchanges. Invariants: nothing but mappings, lists, text, numbers, true, false and null comes out; size,
depth and the number of values (aliases expanded) are bounded; a key that stands twice is a problem, never a silent win.
Plain values are read as YAML 1.2 and JSON read them: `no` and `on` are text, and so are dates.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from pydantic import JsonValue

from tegu.domain.errors import Problem
from tegu.domain.json import JsonObject

TEXT_LENGTH_MAX = 1_000_000
DEPTH_MAX = 40
VALUES_MAX = 50_000
BASE64 = "base64_string"
"""The key that stands for binary text in what `parse_recording` returns."""
_INTEGER_BITS_MAX = 1000
"""Three hundred digits, as in YAML; Python refuses to write more than 4,300."""

_INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]{1,300}(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,9})?")
_UNSAFE = re.compile("[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What YAML folds, or takes for the end of a line, unless it is escaped."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_FINITE = frozenset({".inf", "-.inf", "+.inf", ".nan"})
_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_Event = yaml.Event


@dataclass(frozen=True, slots=True)
class ParsedText:
    """`data` is None where the text cannot be read at all. `lines` maps places (`stages.classify.with`) to lines."""

    data: JsonValue
    problems: tuple[Problem, ...] = ()
    lines: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class _Limits:
    """How much is read, and which tags beside that of text are read for what they mark: none of them makes an object."""

    length: int
    depth: int
    values: int
    tags: frozenset[str] = frozenset()
    keeps_lines: bool = True


_DOCUMENT = _Limits(TEXT_LENGTH_MAX, DEPTH_MAX, VALUES_MAX)
_BINARY = "tag:yaml.org,2002:binary"
_RECORDING = _Limits(
    length=32_000_000,
    depth=100,
    values=500_000,
    tags=frozenset(
        {_BINARY}
        | {
            f"tag:yaml.org,2002:python/{name}"
            for name in ("str", "unicode", "tuple", "object/new:_io.BytesIO", "object/apply:builtins.iter")
        }
    ),
    keeps_lines=False,
)


def parse_text(text: str) -> ParsedText:
    """Read JSON if it is that, YAML otherwise. Never raises."""
    return _parse(text, _DOCUMENT)


def parse_recording(text: str) -> ParsedText:
    """Read a file of recorded exchanges: larger than a document, without lines. `!!binary` becomes `{BASE64: text}`; what
    a few Python tags mark is read as the plain data below them. Never raises.
    """
    return _parse(text, _RECORDING)


def _parse(text: str, limits: _Limits) -> ParsedText:
    if len(text) > limits.length:
        message = f"has {len(text)} characters; at most {limits.length} are allowed"
        return ParsedText(None, (Problem("document", message),))
    if not text.isascii() and _SURROGATE.search(text):
        return ParsedText(None, (Problem("document", "holds half a surrogate pair, which is no text"),))
    return _as_json(text, limits) or _Reader(limits).read(text)


def write_yaml(data: JsonObject) -> str:
    """The data as YAML that `parse_text` reads back to the same data."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def join_place(place: str, key: str) -> str:
    """The place of a key in a mapping."""
    return f"{place}.{key}" if place else key


def plain_value(text: str) -> JsonValue:
    """What an unquoted YAML value means. Numbers that are not finite come out as infinity or NaN."""
    if text in {"", "~", "null"}:
        return None
    if text in {"true", "false"}:
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return float(text.replace(".", "", 1)) if text.lower() in _NOT_FINITE else text


class _StopError(Exception):
    """The text cannot be read any further."""

    def __init__(self, message: str, line: int | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.problem = Problem("document", message, hint, line)


def _as_json(text: str, limits: _Limits) -> ParsedText | None:
    """The text as JSON, or None where it is none (YAML in braces is read as YAML)."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    twice: list[str] = []

    def unique(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
        found: JsonObject = {}
        for key, value in pairs:
            if key in found:
                twice.append(key)
            found[key] = value
        return found

    try:
        data: JsonValue = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        return None
    if fatal := tuple(_size_problems(data, limits)):
        return ParsedText(None, fatal)
    return ParsedText(
        data, tuple(Problem("document", f"the key {key!r} stands twice in one object") for key in twice)
    )


def size_problems(data: JsonValue) -> tuple[Problem, ...]:
    """What is too deep, too big or no JSON number in data that did not come through the YAML reader."""
    return tuple(_size_problems(data, _DOCUMENT))


def _size_problems(data: JsonValue, limits: _Limits) -> Iterator[Problem]:
    left: list[tuple[JsonValue, int]] = [(data, 1)]
    count = 0
    while left:
        value, depth = left.pop()
        count += 1
        if depth > limits.depth or count > limits.values:
            yield _too_big(depth, limits)
            return
        if isinstance(value, float) and not math.isfinite(value):
            yield Problem("document", f"{value} is no number that can be stored")
        if isinstance(value, int) and value.bit_length() > _INTEGER_BITS_MAX:
            yield Problem("document", "holds a number of more than 300 digits")
            return
        if isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):  # pyright: ignore[reportUnnecessaryIsInstance] - the caller's
                yield Problem("document", "has a key that is no text")
                return
            left.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list):
            left.extend((item, depth + 1) for item in value)


def _too_big(depth: int, limits: _Limits) -> Problem:
    if depth > limits.depth:
        return Problem("document", f"is nested more than {limits.depth} levels deep")
    return Problem("document", f"holds more than {limits.values} values")


class _Reader:
    """Builds the data from the parser's events, which come one at a time: a bomb is never built."""

    def __init__(self, limits: _Limits) -> None:
        self._limits = limits
        self._problems: list[Problem] = []
        self._lines: dict[str, int] = {}
        self._anchors: dict[str, JsonValue] = {}
        self._open_anchors: set[str] = set()
        self._count = 0
        self._events: Iterator[_Event] = iter(())

    def read(self, text: str) -> ParsedText:
        data: JsonValue = None
        try:
            self._events = iter(yaml.parse(text, Loader=_LOADER))
            data = self._document()
        except _StopError as error:
            return ParsedText(None, (*self._problems, error.problem), self._lines)
        except yaml.YAMLError as error:
            return ParsedText(None, (*self._problems, _syntax_problem(error)), self._lines)
        return ParsedText(data, tuple(self._problems), self._lines)

    def _document(self) -> JsonValue:
        data: JsonValue = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                data = self._value(next(self._events), "", 1)
                break
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                raise _StopError("holds more than one document", _line(event), "one file, one pipeline")
        return data

    def _value(self, event: _Event, place: str, depth: int) -> JsonValue:
        self._count += 1
        if depth > self._limits.depth or self._count > self._limits.values:
            raise _StopError(_too_big(depth, self._limits).message, _line(event))
        if self._limits.keeps_lines:
            self._lines.setdefault(place, _line(event))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        anchor: str | None = getattr(event, "anchor", None)
        if anchor is not None:
            self._open_anchors.add(anchor)
        self._refuse_tag(event)
        match event:
            case yaml.ScalarEvent():
                value = self._scalar(event, place)
            case yaml.SequenceStartEvent():
                value = self._sequence(place, depth)
            case _:
                value = self._mapping(place, depth)
        if anchor is not None:
            self._open_anchors.discard(anchor)
            self._anchors[anchor] = value
        return value

    def _alias(self, event: yaml.AliasEvent, depth: int) -> JsonValue:
        name = str(event.anchor)
        if name in self._open_anchors or name not in self._anchors:
            raise _StopError(f"the alias *{name} stands for itself, or for nothing", _line(event))
        value = self._anchors[name]
        self._count += _weigh(value, depth, self._limits)
        if self._count > self._limits.values:
            raise _StopError(
                _too_big(0, self._limits).message, _line(event), "write values out instead of aliases"
            )
        return value

    def _refuse_tag(self, event: _Event) -> None:
        tag: str | None = getattr(event, "tag", None)
        if tag not in {None, "!", "tag:yaml.org,2002:str"} and tag not in self._limits.tags:
            raise _StopError(f"the tag {tag!r} is not allowed", _line(event), "write plain values")

    def _scalar(self, event: yaml.ScalarEvent, place: str) -> JsonValue:
        text = str(event.value)
        if event.tag == _BINARY:
            return {BASE64: text}
        is_plain = bool(event.implicit[0]) and event.style in {None, ""}
        value = plain_value(text) if is_plain else text
        if isinstance(value, float) and not math.isfinite(value):
            message = f"{text} is not a finite number"
            self._problems.append(Problem(place or "document", message, None, _line(event)))
            return None
        return value

    def _sequence(self, place: str, depth: int) -> list[JsonValue]:
        found: list[JsonValue] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, f"{place}[{len(found)}]", depth + 1))
        return found

    def _mapping(self, place: str, depth: int) -> JsonObject:
        found: JsonObject = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _StopError("a key must be text", _line(event), "quote it")
            self._refuse_tag(event)
            key = str(event.value)
            inside = join_place(place, key)
            if key in found:
                first = self._lines.get(inside)
                message, hint = f"the key {key!r} stands twice", f"it is already on line {first}"
                self._problems.append(Problem(inside, message, hint, _line(event)))
                self._value(next(self._events), f"{inside} (again)", depth + 1)
                continue
            if self._limits.keeps_lines:
                self._lines[inside] = _line(event)
            found[key] = self._value(next(self._events), inside, depth + 1)
        return found


def _weigh(value: JsonValue, depth: int, limits: _Limits) -> int:
    """How many values an alias repeats; more than are allowed when it is nested too deep at its new place."""
    count, left = 0, [(value, depth)]
    while left and count <= limits.values:
        item, level = left.pop()
        if level > limits.depth:
            return limits.values + 1
        count += 1
        if isinstance(item, dict):
            left.extend((inner, level + 1) for inner in item.values())
        elif isinstance(item, list):
            left.extend((inner, level + 1) for inner in item)
    return count


def _line(event: _Event) -> int:
    assert event.start_mark is not None
    return int(event.start_mark.line) + 1


def _syntax_problem(error: yaml.YAMLError) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark: yaml.Mark | None = error.problem_mark or error.context_mark
        hint = 'quote text that holds brackets, braces, ": " or " #"; indent with spaces'
        message = ", ".join(text for text in (error.problem, error.context) if text)
        return Problem("document", f"is no YAML: {message}", hint, mark.line + 1 if mark else None)
    return Problem("document", f"is no YAML: {str(error).splitlines()[0]}")


class _Dumper(yaml.SafeDumper):
    """Quotes what `plain_value` would not read as text, and writes long text as blocks."""

    def ignore_aliases(self, data: object) -> bool:
        """Write everything out: documents are read by people."""
        del data
        return True


def _represent_text(_dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if _UNSAFE.search(text):
        style = '"'
    elif plain_value(text) is not text:
        style = "'"
    elif "\n" in text:
        style = "|"
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
