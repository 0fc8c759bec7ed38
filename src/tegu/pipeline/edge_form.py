"""The list form of a pipeline, `{stages: [{name, job_module, config}], edges: [{from, to}]}`, to the keyed form and back.

Called by `document` and by the export. Invariants: an edge makes the output of `from` an input of `to`, beside `source`, and an
optional one where it can be no other, unless the entry says itself how it waits for it; without edges nothing waits for anything. `job_module` names a stage kind or
`function@version`, never something to import. What was written in the list form has the same hash when it is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from tegu.domain.errors import Problem
from tegu.domain.json import JsonObject
from tegu.pipeline.flow import ALL
from tegu.pipeline.stage_definition import RESERVED_NAMES

_RENAMED = {"job_module": "uses", "config": "with"}


@dataclass(frozen=True, slots=True)
class KeyedForm:
    """The document in keyed form; `lines` tells the same lines by the new places."""

    data: JsonObject
    problems: tuple[Problem, ...]
    lines: Mapping[str, int]


def to_keyed_form(data: JsonObject, lines: Mapping[str, int]) -> KeyedForm:
    """The keyed form of either form."""
    stages = data.get("stages")
    if not isinstance(stages, list):
        return KeyedForm(data, (), lines)
    return _Converter(data, stages, lines).convert()


def to_edge_form(document: JsonObject) -> JsonObject:
    """A document in keyed form, as `to_document` writes it, in the list form. Edges are all that stages wait for by their
    inputs, needs and lists; an entry says its `inputs` itself where edges alone would mean others.
    """
    entries = document.get("stages")
    assert isinstance(entries, dict)
    stages: list[JsonValue] = []
    edges: list[JsonValue] = []
    for name, entry in entries.items():
        assert isinstance(entry, dict)
        waited = _waited_for(entry)
        stages.append(_listed(name, entry, waited))
        for upstream in waited:
            edges.append({"from": upstream, "to": name})  # noqa: PERF401 (a list of them has another type)
    return {**document, "stages": stages, "edges": edges}


def _listed(name: str, entry: JsonObject, waited: list[str]) -> JsonObject:
    rest = {key: value for key, value in entry.items() if key not in {"uses", "with"}}
    others = _waited_for({key: value for key, value in rest.items() if key != "inputs"})
    if rest.get("inputs") == ["source", *waited] and not others:
        del rest["inputs"]
    config = entry.get("with")
    config = dict(config) if isinstance(config, dict) else {}
    module = entry["uses"]
    if module == "python" and isinstance(config.get("function"), str):
        module = config.pop("function")
    return {"name": name, "job_module": module, "config": config, **rest}


def _waited_for(entry: JsonObject) -> list[str]:
    """The stages that an entry says it waits for, each once."""
    found: list[str] = []
    for key in ("inputs", "needs"):
        names = entry.get(key)
        found += [str(name).removesuffix("?") for name in names] if isinstance(names, list) else []
    each = entry.get("each")
    over = each.get("over") if isinstance(each, dict) else each
    if isinstance(over, str):
        found.append(over.partition(".")[0])
    return [name for name in dict.fromkeys(found) if name not in RESERVED_NAMES]


class _Converter:
    def __init__(self, data: JsonObject, entries: list[JsonValue], lines: Mapping[str, int]) -> None:
        self._data = data
        self._entries = entries
        self._lines = dict(lines)
        self._problems: list[Problem] = []
        self._stages: dict[str, JsonObject] = {}

    def convert(self) -> KeyedForm:
        for i, entry in enumerate(self._entries):
            self._stage(entry, f"stages[{i}]")
        self._edges(self._data.get("edges"))
        stages: JsonObject = {**self._stages}
        data: JsonObject = {key: item for key, item in self._data.items() if key != "edges"}
        return KeyedForm({**data, "stages": stages}, tuple(self._problems), self._lines)

    def _stage(self, entry: JsonValue, place: str) -> None:
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(name, str):
            self._problem(
                place, "a stage of the list form needs a name", "{name: extract, job_module: extract}"
            )
        elif name in self._stages:
            self._problem(place, f"there is another stage {name!r}", "stage names are unique")
        else:
            self._stages[name] = self._entry(entry, place)
            self._move_lines(place, f"stages.{name}")

    def _entry(self, entry: JsonObject, place: str) -> JsonObject:
        found: JsonObject = {}
        for key, item in entry.items():
            renamed = _RENAMED.get(key, key)
            if renamed != key and renamed in entry:
                self._problem(f"{place}.{key}", f"{key!r} and {renamed!r} say the same", f"keep {renamed!r}")
            elif key != "name":
                found[renamed] = list(item) if isinstance(item, list) else item
        module = entry.get("job_module")
        if isinstance(module, str) and "@" in module:
            config = found.get("with")
            found["uses"] = "python"
            found["with"] = {**(config if isinstance(config, dict) else {}), "function": module}
        elif isinstance(module, str) and not module.isidentifier():
            hint = "name a stage kind such as extract, or a Python stage such as refund@1; nothing is ever imported"
            self._problem(f"{place}.job_module", f"{module!r} is no stage kind", hint)
            del found["uses"]
        return found

    def _edges(self, edges: JsonValue) -> None:
        if edges is None:
            return
        if not isinstance(edges, list):
            self._problem("edges", "edges are a list", "[{from: extract, to: classify}]")
            return
        for i, edge in enumerate(edges):
            ends = (edge.get("from"), edge.get("to")) if isinstance(edge, dict) else (None, None)
            match ends:
                case (str() as upstream, str() as name):
                    self._edge(upstream, name, f"edges[{i}]")
                case _:
                    self._problem(f"edges[{i}]", "an edge has two ends", "{from: extract, to: classify}")

    def _edge(self, upstream: str, name: str, place: str) -> None:
        unknown = [each for each in (upstream, name) if each not in self._stages]
        for each in unknown:
            self._problem(place, f"there is no stage {each!r}", f"stages are {', '.join(self._stages)}")
        if unknown:
            return
        entry = self._stages[name]
        if upstream in _waited_for(entry):
            return
        inputs = entry.setdefault("inputs", ["source"])
        if isinstance(inputs, list):
            inputs.append(f"{upstream}?" if self._may_be_absent(upstream, name) else upstream)

    def _may_be_absent(self, upstream: str, name: str) -> bool:
        """Whether an edge can only mean an optional input: of a stage that does not wait for all, or that handles failures."""
        return self._stages[name].get("join", ALL) != ALL or self._stages[upstream].get("on_failure") == name

    def _move_lines(self, old: str, new: str) -> None:
        for place, line in list(self._lines.items()):
            if place == old or place.startswith((f"{old}.", f"{old}[")):
                rest = place[len(old) :]
                for key, renamed in _RENAMED.items():
                    if rest == f".{key}" or rest.startswith(f".{key}."):
                        rest = f".{renamed}{rest[len(key) + 1 :]}"
                self._lines[new + rest] = line

    def _problem(self, place: str, message: str, hint: str) -> None:
        self._problems.append(Problem(place, message, hint))
