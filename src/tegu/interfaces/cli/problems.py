"""The problems of a pipeline document, as people see them.

Called by `tegu check`, and for every DefinitionError.
"""

from collections.abc import Sequence

from rich.markup import escape
from rich.padding import Padding

from tegu.domain.errors import Problem
from tegu.interfaces.cli.screen import console


def write_problems(problems: Sequence[Problem], *, err: bool = False) -> None:
    """Each with its line, place, message and hint."""
    out = console(err=err)
    width = max((len(_line(problem)) for problem in problems), default=0)
    for problem in problems:
        out.print(
            f"  [dim]{_line(problem):>{width}}[/]  [bold]{escape(problem.place)}[/]: {escape(problem.message)}"
        )
        if problem.hint:
            out.print(Padding(f"[cyan]hint:[/] {escape(problem.hint)}", (0, 0, 0, width + 4), expand=False))


def _line(problem: Problem) -> str:
    return f"line {problem.line}" if problem.line else ""
