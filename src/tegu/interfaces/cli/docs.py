"""`tegu docs`: the page that is enough to write pipelines, for people and coding assistants."""

import re
from importlib.resources import files

import click

from tegu.domain.errors import UsageError
from tegu.pipeline.report import did_you_mean


@click.command()
@click.argument("topic", required=False)
@click.option("--list", "is_listing", is_flag=True, help="List the topics.")
@click.option("--llms", is_flag=True, help="Print llms.txt, the index for assistants, instead.")
def docs(*, topic: str | None, is_listing: bool, llms: bool) -> None:
    """Print how to write, test and run pipelines, or one TOPIC of it.

    One page, Markdown, complete: `tegu docs > USAGE.md` is what to give to a coding assistant.
    """
    text = files("tegu").joinpath("llms.txt" if llms else "USAGE.md").read_text("utf-8")
    if llms or (topic is None and not is_listing):
        click.echo(text, nl=False)
        return
    sections = _sections(text)
    if is_listing or topic is None:
        click.echo("\n".join(sections))
        return
    found = [name for name in sections if topic.lower() in name.lower()]
    if not found:
        near = did_you_mean(topic.lower(), sections) or "`tegu docs --list` lists them"
        raise UsageError(f"there is no topic {topic!r}", hint=near)
    click.echo("\n".join(sections[name].rstrip() + "\n" for name in found), nl=False)


def _sections(text: str) -> dict[str, str]:
    """Second-level sections by heading; a `## ` inside a code block does not count."""
    found: dict[str, str] = {}
    name, fenced = "", False
    for line in text.splitlines(keepends=True):
        fenced ^= line.startswith("```")
        if not fenced and (heading := re.match(r"## (.+)", line)):
            name = heading[1].strip().lower()
        if name:
            found[name] = found.get(name, "") + line
    return found
