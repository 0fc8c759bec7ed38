"""Groups of commands: one that imports a command's module when the command is asked for, one that lists by default.

Used by `main` and by the groups below it. Invariant: showing the help imports no command; the names and sentences in the table are those of the
commands (a test compares them).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class Lazy:
    """Where a command is (a variable of a module in this package), and its first sentence for the help."""

    module: str
    variable: str
    summary: str


class ListingGroup(click.Group):
    """A group that lists when no command is named: `tegu runs --limit 5` is `tegu runs list --limit 5`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, with `list` put in where nothing else is said."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


class LazyGroup(click.Group):
    """See the module."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **options: Any) -> None:
        """`lazy` holds the commands by name, in the order of the help."""
        super().__init__(*args, **options)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order written."""
        del ctx
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        del ctx
        entry = self.lazy.get(cmd_name)
        if entry is None:
            return None
        command = getattr(import_module(f"{__package__}.{entry.module}"), entry.variable)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but with the nearest name where there is none such."""
        if args and args[0] not in self.lazy and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.lazy, n=1)
            meant = f" (did you mean {near[0]!r}?)" if near else ""
            ctx.fail(f"there is no command {args[0]!r}{meant}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands, from the sentences in the table."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.lazy.items()])
