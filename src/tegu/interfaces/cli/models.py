"""`tegu models`: what the present keys allow, with prices; choose the organization's model; try models with a tiny call."""

from decimal import Decimal
from uuid import UUID

import click
from rich.console import Console
from rich.markup import escape

from tegu.actions.model_list import ModelListing, ResolvedName, list_models, one_of_each
from tegu.actions.model_trials import Trial, plan_trials
from tegu.app import Tegu
from tegu.client.service import Service
from tegu.domain.errors import ConfigurationError, UsageError
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.failure import ExitCode, write_notice
from tegu.interfaces.cli.lazy import ListingGroup
from tegu.interfaces.cli.local_service import LocalService
from tegu.interfaces.cli.place import place_of_command
from tegu.interfaces.cli.printable import printable
from tegu.interfaces.cli.screen import console, json_option, table, write_json
from tegu.interfaces.cli.session import run_async, with_service, with_tegu
from tegu.llm.catalog import KnownModel
from tegu.llm.credentials import EnvironmentCredentials, variables_of
from tegu.llm.model_names import ModelNames
from tegu.llm.protocol import ModelRef
from tegu.llm.providers.registry import PROVIDER_NAMES
from tegu.settings import Settings

_NO_ORGANIZATION = UUID(int=0)


@click.group(cls=ListingGroup, noun="models", takes_words=True)
def models() -> None:
    """List the models that the present keys allow, choose one, or try some.

    Without a command it lists: `tegu models gpt-5 --all` is `tegu models list gpt-5 --all`.
    """


@models.command("list")
@click.argument("word", required=False)
@click.option("--keys", is_flag=True, help="Show instead which providers can be called from here.")
@click.option(
    "--all", "every", is_flag=True, help="Also models without a key here, and those that are deprecated."
)
@json_option
def list_(*, word: str | None, keys: bool, every: bool, as_json: bool) -> None:
    """List models that can be called from here, with prices; WORD selects (anthropic, gpt-5, mini).

    Any other model of a provider can be used as well: its cost is then unknown, never zero.
    """
    if keys:
        _write_keys(as_json=as_json)
        return
    listing = _listing(every=every)
    found = [model for model in listing.models if not word or word in str(model.ref)]
    if as_json:
        write_json(
            {
                "models": found,
                "aliases": listing.aliases,
                "organization_model": listing.organization_model,
                "default_model": listing.default_model,
                "providers": listing.providers,
            }
        )
        return
    out = console()
    _write_models(out, found)
    _write_names(out, listing)


@models.command()
@click.argument("model", required=False)
@click.option("--none", "is_none", is_flag=True, help="Give the choice up: TEGU_MODEL decides again.")
@json_option
def use(*, model: str | None, is_none: bool, as_json: bool) -> None:
    """Choose the model of the organization's stages that name none.

    MODEL is provider:model, an alias, or several with commas. It goes before TEGU_MODEL, and after what runs, stages
    and pipelines say. Workers see it within seconds; runs under way use it for the stages that they begin after that.
    """
    if (model is None) == (not is_none):
        raise UsageError("name a model, or say --none", hint="tegu models use fast")

    async def work(service: Service) -> tuple[str, ...]:
        await service.models.use(model=model)
        if not isinstance(service, LocalService):
            return (model,) if model else ()
        try:
            return tuple(str(ref) for ref in await service.tegu.resolve_model(model)) if model else ()
        except ConfigurationError as error:  # chosen all the same: the workers may have keys that we have not
            write_notice(error.message)
            return ()

    found = with_service(work)
    if as_json:
        write_json({"organization_model": model, "models": found})
    elif model is None:
        click.echo("The organization has no model of its own any more.")
    else:
        stands_for = (
            "" if found == (model,) else f" (now {', '.join(found) or 'nothing that has a key here'})"
        )
        click.echo(printable(f"Stages that name no model use {model}{stands_for}."))


@models.command()
@click.argument("names", nargs=-1, metavar="[MODEL]...")
@click.option("--all-keys", is_flag=True, help="One cheap model of each provider that can be called.")
@json_option
def test(*, names: tuple[str, ...], all_keys: bool, as_json: bool) -> int:
    """Make one tiny call to each model: the named ones, or those of the aliases and defaults.

    Says before what it costs at most. The calls are in the ledger (`tegu calls`). Exit code 1 if one fails.
    """

    async def work(service: Service) -> tuple[Trial, ...]:
        if not isinstance(service, LocalService):
            return (await service.models.try_(models=await _named(service, names, all_keys=all_keys))).trials
        tegu = service.tegu
        chosen = await _chosen(tegu, names, all_keys=all_keys)
        plan = plan_trials(chosen)
        unknown = (
            f", and {wording.counted(plan.unknown_costs, 'unknown price')}" if plan.unknown_costs else ""
        )
        write_notice(
            f"This makes {wording.counted(len(plan.models), 'call')}: at most {wording.usd(plan.cost_usd_max)}{unknown}."
        )
        return await tegu.try_models(plan)

    trials = with_service(work)
    if as_json:
        write_json({"ok": all(trial.is_ok for trial in trials), "models": trials})
    else:
        _write_trials(console(), trials)
    return ExitCode.OK if all(trial.is_ok for trial in trials) else ExitCode.FAILED


async def _named(service: Service, names: tuple[str, ...], *, all_keys: bool) -> tuple[str, ...]:
    """The models that the service is to try."""
    if names:
        return names
    listing = await service.models.list()
    if all_keys:
        return tuple(str(ref) for ref in one_of_each(listing))
    return tuple(name for name in (listing.organization_model, listing.default_model) if name)


async def _chosen(tegu: Tegu, names: tuple[str, ...], *, all_keys: bool) -> list[ModelRef]:
    """The models to try. Raises UsageError, ConfigurationError where there is none."""
    if all_keys:
        found = list(one_of_each(await tegu.list_models()))
        if not found:
            raise ConfigurationError(
                "no provider whose models are known by name has a key",
                code="no_model",
                hint="`tegu models --keys` names the variables",
            )
        return found
    if names:
        return [ref for name in names for ref in await tegu.resolve_model(name)]
    listing = await tegu.list_models()
    defaults = [name for name in (listing.organization_model, listing.default_model) if name]
    found = [ref for name in defaults for ref in await tegu.resolve_model(name)]
    for alias in listing.aliases:
        found += [ModelRef.parse(model) for model in alias.models]
    if not found:
        raise ConfigurationError("there is no model to try", code="no_model", hint=listing.aliases[0].hint)
    return found


def _listing(*, every: bool) -> ModelListing:
    """With the organization's own model, where there is a database that could hold one."""
    if place_of_command() is not None:

        async def listed(service: Service) -> ModelListing:
            return await service.models.list(every=every)

        return with_service(listed)
    settings = Settings.from_environment()
    if settings.database_url or (settings.home / "postgres").exists():

        async def work(tegu: Tegu) -> ModelListing:
            return await tegu.list_models(every=every)

        return with_tegu(work)
    names, credentials = ModelNames(settings.models), EnvironmentCredentials()
    return run_async(
        list_models(names, credentials, _NO_ORGANIZATION, default_model=settings.model, every=every)
    )


def _write_models(out: Console, found: list[KnownModel]) -> None:
    if not found:
        out.print("No such model can be called from here. `tegu models --all` lists all that are known.")
        return
    made = table("model", "input", "output", "context", "", right=("input", "output", "context"))
    made.caption = "US dollars per million tokens, from the price table of genai-prices"
    made.caption_justify = "left"
    provider = found[0].provider
    for model in found:
        if model.provider != provider:
            made.add_section()
            provider = model.provider
        is_rules = model.provider == wording.RULES
        made.add_row(
            "rules [dim](rule-based, no language model)[/]" if is_rules else escape(str(model.ref)),
            "-" if is_rules else _price(model.input_usd_per_million),
            "-" if is_rules else _price(model.output_usd_per_million),
            "" if model.context_tokens is None else wording.tokens(model.context_tokens),
            "[yellow]deprecated[/]" if model.is_deprecated else "",
        )
    out.print(made)


def _write_names(out: Console, listing: ModelListing) -> None:
    if listing.other_providers:
        others = ", ".join(listing.other_providers)
        out.print(f"[dim]Also whatever these serve, at a cost that is not known:[/] {escape(others)}")
    made = table("alias", "stands for now", "set by", whole=("alias",))
    for alias in listing.aliases:
        by = "the default table" if alias.written is None else f"TEGU_MODEL_{alias.name.upper()}"
        made.add_row(escape(alias.name), _meaning(alias), escape(by))
    out.print(made)
    own = listing.organization_model or "none of its own (tegu models use MODEL)"
    default = listing.default_model or "not set"
    out.print(f"The organization's model: {escape(own)}; TEGU_MODEL: {escape(default)}")


def _meaning(alias: ResolvedName) -> str:
    if alias.problem is not None:
        return f"[dim]nothing: {escape(alias.problem)}[/]"
    return escape(", ".join(alias.models))


def _write_trials(out: Console, trials: tuple[Trial, ...]) -> None:
    made = table("model", "", "took", "in", "out", "cost", "ended", right=("took", "in", "out", "cost"))
    for trial in trials:
        is_rules = trial.model == wording.RULES
        cost = "-" if is_rules else "unknown" if trial.cost_usd is None else wording.usd(trial.cost_usd)
        made.add_row(
            escape(trial.model),
            "[green]ok[/]" if trial.is_ok else "[red]failed[/]",
            f"{trial.latency_ms} ms",
            "-" if is_rules else wording.tokens(trial.usage.input_tokens),
            "-" if is_rules else wording.tokens(trial.usage.output_tokens),
            cost,
            escape(trial.finish_reason or trial.code or ""),
        )
    out.print(made)
    for trial in trials:
        if not trial.is_ok:
            out.print(
                f"[red]{escape(trial.model)}[/]: {escape(trial.code or '')}: {escape(trial.message or '')}"
            )
            if trial.hint:
                out.print(f"  [cyan]hint:[/] {escape(trial.hint)}")


def _price(price: Decimal | None) -> str:
    return "unknown" if price is None else f"${price.normalize():f}"


def _write_keys(*, as_json: bool) -> None:
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
