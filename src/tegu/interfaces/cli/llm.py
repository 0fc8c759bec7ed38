"""`tegu llm`: ask a model without a run."""

import sys
from dataclasses import dataclass

import click

from tegu.actions.llm import LlmAnswer
from tegu.client.service import Service
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.failure import write_notice
from tegu.interfaces.cli.local_service import LocalService
from tegu.interfaces.cli.printable import printable
from tegu.interfaces.cli.screen import json_option, write_json
from tegu.interfaces.cli.session import with_service


@dataclass(slots=True)
class _Typed:
    """What was typed out while it came."""

    text: str = ""

    def grew(self, text: str) -> None:
        """Type what is new. A text that begins anew is one whose attempt broke off."""
        if not text.startswith(self.text):
            click.echo()
            write_notice("the reply broke off; asked again:")
            self.text = ""
        click.echo(printable(text[len(self.text) :]), nl=False)
        sys.stdout.flush()
        self.text = text


@click.group()
def llm() -> None:
    """Ask a model without a run."""


@llm.command("try")
@click.argument("model")
@click.argument("text")
@json_option
def try_(*, model: str, text: str, as_json: bool) -> None:
    """Ask MODEL for what TEXT says, once; the call is in the ledger (`tegu calls`).

    On a terminal the reply is shown while it comes, unless a service asks.

    Shows at once whether a key, a model's name and the network are fine: tegu llm try openai:gpt-5-mini "Say hello."
    """
    typed = _Typed()

    async def work(service: Service) -> LlmAnswer:
        if isinstance(service, LocalService):
            is_shown = not as_json and sys.stdout.isatty()
            return await service.tegu.llm.ask(text, model=model, on_text=typed.grew if is_shown else None)
        return await service.llm.ask(instructions=text, model=model)

    answer = with_service(work)
    if as_json:
        write_json(answer)
        return
    if typed.text == answer.text:
        click.echo()
    else:
        click.echo(printable(answer.text))
    usage = answer.usage
    for each in answer.fallbacks:
        write_notice(f"{wording.fallback(each)}: {each.message}")
    if answer.is_rule_based:
        write_notice("rules: rule-based, no language model; no cost")
        return
    cost = "unknown" if answer.cost_usd is None else wording.usd(answer.cost_usd)
    write_notice(
        f"{answer.model}: {wording.tokens(usage.input_tokens)} tokens in, {wording.tokens(usage.output_tokens)} out, "
        f"cost {cost}"
    )
