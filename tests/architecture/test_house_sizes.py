"""Small rooms: limits that end an argument, and the medians to look at. Style: median <= 150 lines, p90 <= 30."""

import ast
import sys
from pathlib import Path
from statistics import median, quantiles

import pytest
from house import ROOT, FunctionNode, files, lines_of, listed, modules

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70

CODE = (
    "src/**/*.py",
    "src/**/*.sql",
    "tests/**/*.py",
    "benchmarks/**/*.py",
    "docs/**/*.py",
    "examples/**/*.py",
)


def test_no_file_is_longer_than_400_lines() -> None:
    sizes = {path: _lines(path) for path in files(*CODE)}
    assert sizes
    offenders = [
        f"{path.relative_to(ROOT)}: {lines} lines" for path, lines in sizes.items() if lines > FILE_LINES_MAX
    ]
    assert not offenders, listed(offenders)


def test_no_function_is_longer_than_70_lines() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines"
        for path in files(*(pattern for pattern in CODE if pattern.endswith(".py")))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, FunctionNode) and (lines := lines_of(node)) > FUNCTION_LINES_MAX
    ]
    assert not offenders, listed(offenders)


def test_the_medians_are_there_to_be_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = [_lines(module.path) for module in modules() if not module.is_empty]
    functions = [lines_of(node) for module in modules() for node in module.functions()]
    p90 = quantiles(functions, n=10)[-1]
    with capsys.disabled():
        sys.stdout.write(
            f"\n  {len(sizes)} files, median {median(sizes):.0f} lines, longest {max(sizes)}; "
            f"{len(functions)} functions, median {median(functions):.0f}, p90 {p90:.0f}, longest {max(functions)}\n"
        )
    assert median(sizes) <= FILE_LINES_MAX
    assert p90 <= FUNCTION_LINES_MAX


def _lines(path: Path) -> int:
    return path.read_text("utf-8").count("\n")
