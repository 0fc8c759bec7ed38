"""From an error to what people see: one sentence, a hint, and an exit code.

Called by `main` for whatever a command raises. Invariant: no traceback unless it was asked for; the exit codes are
those of docs/errors.md.
"""

import sys
import traceback
from enum import IntEnum
from typing import cast

import click

from tegu.interfaces.cli.printable import printable


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1  # a run failed or was cancelled, or something unexpected happened
    USAGE = 2
    INPUT = 3
    CONFIGURATION = 4
    UNAVAILABLE = 5
    PROVIDER = 6
    WAITING = 7  # a run that was to be driven has not ended
    DENIED = 8
    QUOTA = 9
    INTERRUPTED = 130


def exit_code_of(error: BaseException) -> ExitCode:
    """The exit code that an error ends the command with."""
    from tegu.domain import errors

    match error:
        case errors.ConfigurationError():
            return ExitCode.CONFIGURATION
        case errors.UnauthenticatedError() | errors.ForbiddenError():
            return ExitCode.DENIED
        case errors.QuotaError():
            return ExitCode.QUOTA
        case errors.UsageError() | errors.DefinitionError():
            return ExitCode.USAGE
        case errors.IntakeError():
            return ExitCode.INPUT
        case errors.StorageUnavailableError() | errors.UnreachableError():
            return ExitCode.UNAVAILABLE
        case errors.ProviderError() | errors.NoCapacityError():
            return ExitCode.PROVIDER
        case KeyboardInterrupt():
            return ExitCode.INTERRUPTED
        case _:
            return ExitCode.FAILED


def show_failure(error: Exception, *, debug: bool) -> ExitCode:
    """Write the error to stderr, with its traceback if `debug`. Returns the exit code."""
    from tegu.domain.errors import DefinitionError, TeguError

    error = _single(error)
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    match error:
        case DefinitionError():
            from tegu.interfaces.cli.problems import write_problems

            write_error(error.message.splitlines()[0])
            write_problems(error.problems, err=True)
        case TeguError():
            write_error(error.message, error.hint)
        case _:
            write_error(
                f"unexpected {type(error).__name__}: {_first_line(error)}",
                None if debug else "--debug shows the traceback",
            )
    return exit_code_of(error)


def _single(error: Exception) -> Exception:
    """The one error in a group of one, at any depth: what a task group wraps around it says nothing to people."""
    if isinstance(error, ExceptionGroup):
        inner = cast("ExceptionGroup[Exception]", error).exceptions
        if len(inner) == 1:
            return _single(inner[0])
    return cast("Exception", error)


def write_error(message: str, hint: str | None = None) -> None:
    """One sentence, and what to do."""
    click.echo(f"{click.style('error:', fg='red', bold=True)} {printable(message)}", err=True)
    if hint:
        click.echo(f"{click.style('hint:', fg='cyan')} {printable(hint)}", err=True)


def write_notice(message: str) -> None:
    """Something that people should know, kept out of what programs read."""
    click.echo(printable(message), err=True)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or "no message").splitlines()[0]
