"""Pages say what is true: generated ones are fresh, codes and paths and commands that they name exist."""

import ast
import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

from house import ROOT, Module, dotted, files, listed, modules

AGENTS_LINES_MAX = 80
DECISION_HEADINGS = ("## Context", "## Choice", "## Consequences", "## What would change our mind")
PAGES = ("*.md", "docs/**/*.md", "src/tegu/**/*.md", "examples/**/*.md")


def test_generated_pages_are_up_to_date() -> None:
    path = ROOT / "docs" / "generate.py"
    spec = importlib.util.spec_from_file_location("generate_docs", path)
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    pages: dict[Path, str] = generate.pages()
    assert pages
    behind = [
        page.name for page, text in pages.items() if not page.exists() or page.read_text("utf-8") != text
    ]
    assert not behind, f"run `python docs/generate.py`: {behind}"


def test_every_error_code_is_documented() -> None:
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    raised = {
        code: place for module in modules() if module.room != "testing" for code, place in _codes(module)
    }
    assert {"definition", "rate_limited", "quarantined", "too_large"} <= raised.keys()
    offenders = [f"{place} {code}" for code, place in sorted(raised.items()) if code not in documented]
    assert not offenders, listed(offenders)


def test_the_page_gives_every_error_class_the_exit_code_that_the_command_line_gives_it() -> None:
    from tegu.domain import errors
    from tegu.interfaces.cli.failure import ExitCode, exit_code_of

    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]*)\|$", page, re.MULTILINE)
    assert {int(code) for code, _ in rows} == {code.value for code in ExitCode}
    written = {name: int(code) for code, names in rows for name in re.findall(r"`(\w+)`", names)}
    classes = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.TeguError) and kind is not errors.TeguError
    }
    # Only the class decides, so an instance without its parts will do.
    given = {name: exit_code_of(kind.__new__(kind)).value for name, kind in classes.items()}
    assert written == given


def test_decisions_are_numbered_without_gaps_and_have_the_same_shape() -> None:
    found = files("docs/decisions/*.md")
    assert [int(path.name[:4]) for path in found] == list(range(1, len(found) + 1))
    wrong = [path.name for path in found if not path.read_text("utf-8").startswith(f"# {path.name[:4]}")]
    assert not wrong, listed(wrong)
    offenders = [
        f"{path.name}: {heading}"
        for path in found
        for heading in DECISION_HEADINGS
        if heading not in path.read_text("utf-8").splitlines()
    ]
    assert not offenders, listed(offenders)


def test_agents_page_fits_on_a_screen_or_two() -> None:
    assert len((ROOT / "AGENTS.md").read_text("utf-8").splitlines()) <= AGENTS_LINES_MAX


def test_links_between_pages_lead_somewhere() -> None:
    offenders = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in files(*PAGES)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not offenders, listed(offenders)


def test_paths_that_pages_name_exist() -> None:
    offenders = [
        f"{page.relative_to(ROOT)}: {path}"
        for page in files(*PAGES)
        for path in re.findall(
            r"`((?:src|tests|docs|benchmarks|examples)/[\w./-]+)`", page.read_text("utf-8")
        )
        if not (ROOT / path).exists()
    ]
    assert not offenders, listed(offenders)


def test_sentences_that_pages_name_are_tests() -> None:
    tests = "\n".join(path.read_text("utf-8") for path in files("tests/**/test_*.py"))
    known = set(re.findall(r"def (test_\w+)\(", tests))
    offenders = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in files("docs/**/*.md")
        for name in re.findall(r"`(test_\w+)`", page.read_text("utf-8"))
        if name not in known
    ]
    assert not offenders, listed(offenders)


def test_commands_that_pages_and_hints_name_exist() -> None:
    known = _commands()
    offenders = [f"{place}: tegu {command}" for place, command in _mentioned() if command not in known]
    assert not offenders, listed(offenders)


def test_the_readme_shows_commands() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert "make demo" in text
    assert re.search(r"^\s*tegu run ", text, re.MULTILINE)


def _codes(module: Module) -> Iterator[tuple[str, str]]:
    """Every code of an error: class attributes, "Codes:" of a class, `code=`, the first argument of ErrorInfo."""
    for node in ast.walk(module.tree):
        match node:
            case ast.ClassDef():
                listed_codes = re.search(r"Codes: ([^.]*)\.", ast.get_docstring(node) or "")
                for code in re.findall(
                    r"[a-z_]+", re.sub(r"\(.*?\)", "", listed_codes[1] if listed_codes else "")
                ):
                    yield code, module.place(node)
                for statement in node.body:
                    if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "code":
                        yield from _constants(module, statement.value)
            case ast.Call():
                for keyword in node.keywords:
                    if keyword.arg == "code":
                        yield from _constants(module, keyword.value)
                if dotted(node.func).endswith("ErrorInfo") and node.args:
                    yield from _constants(module, node.args[0])
            case _:
                pass


def _constants(module: Module, value: ast.expr) -> Iterator[tuple[str, str]]:
    """`"a"`, and both of `"a" if ... else "b"`; what is computed is documented where its parts are."""
    for node in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, module.place(node)


def _mentioned() -> Iterator[tuple[str, str]]:
    """`tegu COMMAND` in code of the pages and in the messages of the source."""
    for page in files("README.md", "AGENTS.md", "src/tegu/USAGE.md", "docs/*.md"):
        text = page.read_text("utf-8")
        blocks = "\n".join(
            re.findall(r"^```(?:sh|bash|console|text)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        )
        spans = "\n".join(re.findall(r"`([^`\n]+)`", text))
        for line in f"{blocks}\n{spans}".splitlines():
            if found := re.match(r"\s*(?:\$ )?tegu ([a-z][\w-]*)", line):
                yield str(page.relative_to(ROOT)), found[1]
    for module in modules():
        for node in module.strings():
            for command in re.findall(r"`tegu ([a-z][\w-]*)", str(node.value)):
                yield module.place(node), command


def _commands() -> frozenset[str]:
    import click

    main = importlib.import_module("tegu.interfaces.cli.main")
    found: list[object] = list(vars(main).values())
    (group,) = {id(value): value for value in found if isinstance(value, click.Group)}.values()
    return frozenset(group.list_commands(click.Context(group)))


def test_no_two_shapes_of_the_interface_have_one_name() -> None:
    # Where two have, both are called by their module, which is no word for anybody.
    assert "tegu__" not in (ROOT / "docs" / "openapi.json").read_text("utf-8")
