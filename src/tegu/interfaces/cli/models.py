"""`tegu models`: models that are known by name, their prices, and whether there is a key."""

from decimal import Decimal

import click
from rich.markup import escape

from tegu.interfaces.cli import wording
from tegu.interfaces.cli.screen import console, json_option, table, write_json


@click.command()
@click.argument("word", required=False)
@click.option("--keys", is_flag=True, help="Show instead which providers can be called from here.")
@click.option("--all", "with_deprecated", is_flag=True, help="Also those that their provider has deprecated.")
@json_option
def models(*, word: str | None, keys: bool, with_deprecated: bool, as_json: bool) -> None:
    """List models that are known by name, with their prices; WORD selects (anthropic, gpt-5, mini).

    Any other model of a provider can be used as well: its cost is then unknown, never zero.
    """
    if keys:
        _write_keys(as_json=as_json)
        return
    from tegu.llm.catalog import known_models

    found = [
        model
        for model in known_models()
        if (with_deprecated or not model.is_deprecated)
        and (not word or word in f"{model.provider}:{model.name}")
    ]
    if as_json:
        write_json({"models": found})
        return
    made = table("model", "input", "output", "context", right=("input", "output", "context"))
    made.caption = "US dollars per million tokens, from the price table of genai-prices"
    made.caption_justify = "left"
    for model in found:
        is_rules = model.provider == wording.RULES
        made.add_row(
            "rules [dim](rule-based, no language model)[/]"
            if is_rules
            else escape(f"{model.provider}:{model.name}"),
            "-" if is_rules else _price(model.input_usd_per_million),
            "-" if is_rules else _price(model.output_usd_per_million),
            "" if model.context_tokens is None else wording.tokens(model.context_tokens),
        )
    console().print(made)


def _price(price: Decimal | None) -> str:
    return "unknown" if price is None else f"${price.normalize():f}"


def _write_keys(*, as_json: bool) -> None:
    from tegu.llm.credentials import EnvironmentCredentials, variables_of
    from tegu.llm.providers.registry import PROVIDER_NAMES

    credentials = EnvironmentCredentials()
    found = {name: credentials.has_credential(name) for name in PROVIDER_NAMES}
    if as_json:
        write_json({"providers": found})
        return
    made = table("provider", "can be called from here", "variables")
    for name, is_present in found.items():
        here = "[green]yes[/]" if is_present else "[dim]no key[/]"
        made.add_row(name, here, ", ".join(variables_of(name)))
    console().print(made)
