"""Names, docstrings and exceptions from the rules: what a reader relies on in every file."""

import ast
import re
from collections import Counter

from house import ROOT, SOURCE, dotted, listed, modules

VAGUE_NAMES = {
    "base",
    "common",
    "core",
    "helper",
    "helpers",
    "manager",
    "managers",
    "misc",
    "model",
    "models",
    "shared",
    "tools",
    "type",
    "types",
    "util",
    "utils",
}
ROOMS = [
    "actions",
    "app",
    "domain",
    "engine",
    "intake",
    "interfaces",
    "llm",
    "pipeline",
    "stages",
    "storage",
    "testing",
]

# A directive that switches a check off, and what stands after it.
_DIRECTIVE = re.compile(
    r"#\s*(?:noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?|type:\s*ignore(?:\[[^\]]*\])?|pyright:\s*\w+(?:\[[^\]]*\])?)"
)


# `tegu models` lists language models: there the word is the noun itself, and not a bucket.
NAMED_AFTER_A_COMMAND = {
    "tegu.actions.models",
    "tegu.client.blocking.nouns.models",
    "tegu.client.nouns.models",
    "tegu.interfaces.cli.models",
    "tegu.interfaces.mcp.tools",  # the word of the protocol
}


def test_no_module_has_a_name_that_says_nothing() -> None:
    offenders = [
        module.name
        for module in modules()
        if module.name.rpartition(".")[2].lstrip("_") in VAGUE_NAMES
        and module.name not in NAMED_AFTER_A_COMMAND
    ]
    assert not offenders, listed(offenders)


def test_every_module_with_code_says_what_it_is() -> None:
    offenders = [
        str(module.path.relative_to(SOURCE))
        for module in modules()
        if not module.is_empty and not module.docstring
    ]
    assert not offenders, listed(offenders)


def test_every_room_says_what_it_is() -> None:
    found = {module.name: module for module in modules()}
    offenders = [name for room in ROOMS if (name := f"tegu.{room}") not in found or not found[name].docstring]
    assert not offenders, listed(offenders)


def test_every_exception_from_a_check_gives_its_reason() -> None:
    offenders: list[str] = []
    for module in modules():
        comments = dict(module.comments())
        for line, comment in comments.items():
            match = _DIRECTIVE.search(comment)
            if match is None:
                continue
            beside = comment[: match.start()] + comment[match.end() :]
            above = comments.get(line - 1, "")
            if len(beside.split()) < 2 and not above:
                offenders.append(f"{module.place(line)} {comment}")
    assert not offenders, listed(offenders)


def test_dataclasses_have_slots_unless_they_cache_a_property() -> None:
    offenders = [
        f"{module.place(node)} {node.name}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and "@cached_property" not in ast.unparse(node)
        for decorator in node.decorator_list
        if dotted(decorator.func if isinstance(decorator, ast.Call) else decorator).endswith("dataclass")
        and "slots=True" not in ast.unparse(decorator)
    ]
    assert not offenders, listed(offenders)


def test_the_public_names_are_sorted_and_there() -> None:
    import tegu

    names: list[str] = list(vars(tegu)["__all__"])
    assert names
    assert names == sorted(names)
    missing = [name for name in names if not hasattr(tegu, name)]
    assert not missing, listed(missing)


def test_no_two_test_files_have_one_name() -> None:
    counts = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    twins = sorted(name for name, count in counts.items() if count > 1)
    assert not twins, f"folders of tests are no packages, so pytest takes one of them for the other: {twins}"
