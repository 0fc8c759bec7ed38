"""`tegu completion`: what a shell needs to complete commands, options and choices."""

import click
from click.shell_completion import get_completion_class

VARIABLE = "_TEGU_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, *, shell: str) -> None:
    """Print what makes a SHELL complete commands and options.

    bash: eval "$(tegu completion bash)" in ~/.bashrc; zsh: the same in ~/.zshrc; fish: tegu completion fish >
    ~/.config/fish/completions/tegu.fish
    """
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(ctx.find_root().command, {}, "tegu", VARIABLE).source())
