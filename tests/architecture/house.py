"""The source as the architecture tests read it: every module's path, text and syntax tree, parsed once."""

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "tegu"

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file of ours. `name` is dotted; a package's `__init__` has the package's name."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The first name below `tegu`; empty for the package itself."""
        return self.name.removeprefix("tegu").lstrip(".").partition(".")[0]

    @property
    def docstring(self) -> str | None:
        return ast.get_docstring(self.tree)

    @property
    def is_empty(self) -> bool:
        """A package marker with nothing in it."""
        return not self.text.strip()

    def place(self, node: ast.AST | int) -> str:
        """Where to look, as editors understand it."""
        line = node if isinstance(node, int) else getattr(node, "lineno", 1)
        return f"{self.path.relative_to(ROOT)}:{line}"

    def comments(self) -> Iterator[tuple[int, str]]:
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string

    def functions(self) -> Iterator[FunctionNode]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """Every call with the dotted name that is called, where it is one."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield dotted(node.func), node

    def imports(self) -> Iterator[tuple[str, ast.stmt]]:
        """Every imported module, wherever the import stands. Ours are absolute (ruff TID252)."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)

    def docstrings(self) -> Iterator[tuple[int, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Module | ast.ClassDef | FunctionNode):
                text = ast.get_docstring(node, clean=False)
                if text is not None:
                    yield getattr(node, "lineno", 1), text

    def strings(self) -> Iterator[ast.Constant]:
        """String constants, also the fixed parts of f-strings; docstrings are not among them."""
        prose = {id(statement.value) for statement in ast.walk(self.tree) if isinstance(statement, ast.Expr)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                yield node


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the package, sorted by name."""
    return tuple(sorted((_read(path) for path in SOURCE.rglob("*.py")), key=lambda module: module.name))


@cache
def files(*patterns: str) -> tuple[Path, ...]:
    """Files of the project by glob, sorted, without what was generated."""
    found = {path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    return tuple(sorted(path for path in found if "__pycache__" not in path.parts))


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a name or of attributes of a name; empty for anything else."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            base = dotted(node.value)
            return f"{base}.{node.attr}" if base else ""
        case _:
            return ""


def lines_of(node: FunctionNode) -> int:
    """From `def` to the last line, docstring and comments included, decorators not."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def listed(offenders: list[str]) -> str:
    """The message of a failed sentence: one offender a line."""
    return "\n  " + "\n  ".join(offenders)


def _read(path: Path) -> Module:
    text = path.read_text("utf-8")
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, text, ast.parse(text, filename=str(path)))
