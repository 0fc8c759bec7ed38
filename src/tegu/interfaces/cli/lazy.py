"""Groups of commands: one that imports a command's module when the command is asked for, one that lists by default.

Used by `main` and by the groups below it. Invariant: showing the help imports no command and no action; the names and sentences
in the table are those of the commands (a test compares them), those of derived commands are generated.
"""

import gc
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
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


@contextmanager
def importing() -> Generator[None]:
    """Around large imports: what they make stays as long as the process, and to look through it for garbage, while it is made
    and at each collection after that, is a sixth of the time that a command takes to begin.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class ListingGroup(click.Group):
    """A group that lists when no command is named: `tegu runs --limit 5` is `tegu runs list --limit 5`. With `noun` it also has
    the derived commands of that noun's actions; with `takes_words` a first word that names no command belongs to the list.
    """

    def __init__(
        self, *args: Any, noun: str | None = None, takes_words: bool = False, **options: Any
    ) -> None:
        """The rest is click's."""
        super().__init__(*args, **options)
        self.noun = noun
        self.takes_words = takes_words

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Those written by hand first, in the order written."""
        del ctx
        return [*self.commands, *(_verbs(self.noun) if self.noun else ())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The one written by hand, or the derived one."""
        written = super().get_command(ctx, cmd_name)
        if written is not None or self.noun is None or cmd_name not in _verbs(self.noun):
            return written
        return _derived(self.noun, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, with `list` put in where nothing else is said."""
        is_listed = not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names)
        is_word = bool(args) and self.takes_words and not args[0].startswith("-")
        if is_listed or (is_word and self.get_command(ctx, args[0]) is None):
            args = ["list", *args]
        return super().parse_args(ctx, args)


def _verbs(noun: str) -> tuple[str, ...]:
    from tegu.interfaces.cli.nouns import NOUNS

    return NOUNS.get(noun, ())


def _derived(noun: str, verb: str) -> click.Command:
    with importing():
        from tegu.interfaces.cli.action_commands import command_of, verbs_of

    return command_of(verbs_of(noun)[verb])


class NounGroup(click.Group):
    """The derived commands of a noun that has none written by hand."""

    def __init__(self, noun: str) -> None:
        """`noun` as on the command line."""
        super().__init__(noun, help=said_of(noun))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order declared."""
        del ctx
        return list(_verbs(str(self.name)))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Made when it is asked for."""
        del ctx
        return _derived(str(self.name), cmd_name) if cmd_name in _verbs(str(self.name)) else None


def said_of(noun: str) -> str:
    """What can be done with it: `List, get.`"""
    return ", ".join(verb.replace("-", " ") for verb in _verbs(noun)).capitalize() + "."


class LazyGroup(click.Group):
    """See the module."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], nouns: Iterable[str], **options: Any) -> None:
        """`lazy` holds the commands by name, in the order of the help, `nouns` what has derived commands."""
        super().__init__(*args, **options)
        self.lazy = lazy
        self.nouns = tuple(noun for noun in nouns if noun not in lazy)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order written."""
        del ctx
        return [*self.lazy, *self.nouns]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        del ctx
        entry = self.lazy.get(cmd_name)
        if entry is None:
            return NounGroup(cmd_name) if cmd_name in self.nouns else None
        with importing():
            command = getattr(import_module(f"{__package__}.{entry.module}"), entry.variable)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but with the nearest name where there is none such."""
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], known, n=1)
            meant = f" (did you mean {near[0]!r}?)" if near else ""
            ctx.fail(f"there is no command {args[0]!r}{meant}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands, from the sentences in the table."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.lazy.items()])
        with formatter.section("Commands for each action"):
            formatter.write_dl([(noun, said_of(noun)) for noun in self.nouns])
