"""Author code as authors write it: what is right passes the type checker and the load, what is wrong fails both.

`accepted` and `rejected` are checked by one pyright process. A line of `rejected` that the type checker must refuse ends
in `# error: RULE`; the docstring of a case says what the load says of it.
"""

import asyncio
import importlib.util
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tegu import DefinitionError, Pipeline, TeguError
from tegu.stages.registry import StageRegistry

HERE = Path(__file__).resolve().parent
ACCEPTED = sorted((HERE / "accepted").glob("*.py"))
REJECTED = sorted((HERE / "rejected").glob("*.py"))
CASES_MIN = 25
_MARK = re.compile(r"# error: (\w+)$")

Reported = dict[tuple[str, int], set[str]]


async def _reported() -> Reported:
    """The rules that pyright, strict, says are broken, by file and line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pyright", "--project", str(HERE), "--pythonpath", sys.executable, "--outputjson",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 110)
    found: Reported = {}
    for each in json.loads(out)["generalDiagnostics"]:
        place = (Path(each["file"]).name, each["range"]["start"]["line"] + 1)
        found.setdefault(place, set()).add(str(each.get("rule", each["message"])))
    return found


def _marked() -> dict[tuple[str, int], str]:
    return {
        (path.name, number): mark[1]
        for path in REJECTED
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (mark := _MARK.search(line))
    }


async def test_the_type_checker_refuses_every_marked_line_and_no_other() -> None:
    reported, marked = await _reported(), _marked()
    assert len(marked) >= CASES_MIN
    names = {path.name for path in ACCEPTED}
    assert {place: rules for place, rules in reported.items() if place[0] in names} == {}
    assert reported.keys() == marked.keys()
    assert {place: rule for place, rule in marked.items() if rule not in reported[place]} == {}


def _module(path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(path.parent), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = importlib.util.spec_from_file_location(f"author_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # as an import does
    spec.loader.exec_module(module)
    return module


def _cases() -> Iterator[tuple[Path, str]]:
    for path in REJECTED:
        if path.stem != "author_stages":
            for name in re.findall(r"^(?:async )?def (\w+)\(", path.read_text("utf-8"), re.MULTILINE):
                yield path, name


@pytest.mark.parametrize(("path", "name"), [pytest.param(*case, id=case[1]) for case in _cases()])
def test_what_the_type_checker_refuses_is_refused_when_it_is_loaded(
    path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case: Callable[[], Any] = getattr(_module(path, monkeypatch), name)
    place, _, words = (inspect.getdoc(case) or "").partition(": ")
    assert words
    if place == "not executable":
        return
    if place == "raises":
        with pytest.raises((TeguError, TypeError)) as raised:
            case()
        assert words in str(raised.value)
        return
    with pytest.raises(DefinitionError) as caught:
        case().definition(StageRegistry())
    found = {problem.place: problem for problem in caught.value.problems}
    assert place in found
    assert words in found[place].message
    assert found[place].hint


def _pipelines(module: ModuleType) -> Iterator[Pipeline[Any]]:
    for function in vars(module).values():
        if inspect.isfunction(function) and str(inspect.signature(function)).startswith(
            "() -> tegu.pipeline"
        ):
            yield function()


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_what_the_type_checker_accepts_is_accepted_when_it_is_loaded_and_round_trips(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipelines = list(_pipelines(_module(path, monkeypatch)))
    assert pipelines
    for pipeline in pipelines:
        definition = pipeline.definition(StageRegistry())
        functions = StageRegistry(functions=pipeline.functions)
        assert Pipeline.load(pipeline.to_yaml()).definition(functions).hash == definition.hash
