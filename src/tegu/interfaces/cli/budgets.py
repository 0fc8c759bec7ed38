"""`tegu budgets`: what calls may cost, and how much is left."""

from decimal import Decimal
from uuid import UUID

import click
from rich.markup import escape

from tegu.client.service import Service
from tegu.domain.budget import Budget, BudgetPeriod, BudgetPlace
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.lazy import ListingGroup
from tegu.interfaces.cli.run_reference import RunReference
from tegu.interfaces.cli.screen import console, json_option, table, write_json
from tegu.interfaces.cli.session import taken, with_service
from tegu.interfaces.cli.usd import Usd

LISTED_MAX = 10_000


@click.group(cls=ListingGroup, noun="budgets", invoke_without_command=True)
def budgets() -> None:
    """List budgets, set or remove one.

    A budget is the most that the calls of a run, a pipeline or the organization may cost; the last two per day or month (of
    UTC). What a call may cost at worst is reserved before it is made. Where there is no room the run waits, until the budget
    begins anew or is raised.
    """


@budgets.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the budgets, and how much is left of each."""

    async def work(service: Service) -> list[Budget]:
        return await taken(service.budgets.all(), LISTED_MAX)

    found = with_service(work)
    if as_json:
        write_json({"budgets": [_shown(budget) for budget in found]})
        return
    if not found:
        click.echo(
            "There is no budget: calls may cost what they will. `tegu budgets set 10 --per day` makes one."
        )
        return
    made = table(
        "for",
        "per",
        "limit",
        "spent",
        "reserved",
        "left",
        "begins anew",
        right=("limit", "spent", "reserved", "left"),
    )
    for budget in found:
        place = budget.place
        made.add_row(
            escape(f"run {place.run_id}" if place.run_id else place.pipeline or "organization"),
            place.period.value,
            wording.usd(budget.limit_usd),
            wording.usd(budget.spent_usd),
            wording.usd(budget.reserved_usd),
            wording.usd(budget.left_usd),
            f"{budget.resets_at:%Y-%m-%d %H:%M} UTC" if budget.resets_at else "never",
        )
    console().print(made)


_PER = click.option("--per", type=click.Choice([BudgetPeriod.DAY.value, BudgetPeriod.MONTH.value]))
_PIPELINE = click.option("--pipeline", metavar="NAME", help="For the runs of one pipeline.")
_RUN = click.option(
    "--run", "run_id", metavar="RUN", type=RunReference(), help="For one run, as long as it lasts."
)


@budgets.command("set")
@click.argument("limit", type=Usd())
@_PER
@_PIPELINE
@_RUN
@click.option(
    "--allow-unpriced",
    is_flag=True,
    help="Let models whose price is not known be called; they count nothing.",
)
@json_option
def set_(
    *,
    limit: Decimal,
    per: str | None,
    pipeline: str | None,
    run_id: UUID | None,
    allow_unpriced: bool,
    as_json: bool,
) -> None:
    """Set or change a budget of LIMIT US dollars; runs that wait for it go on.

    It counts what was spent since its day or month began, also before it was set.
    """
    place = _place(per, pipeline, run_id)

    async def work(service: Service) -> int:
        changed = await service.budgets.set(
            period=place.period,
            pipeline=place.pipeline,
            run_id=place.run_id,
            limit_usd=limit,
            allows_unpriced=allow_unpriced,
        )
        return changed.woken_runs

    woken = with_service(work)
    if as_json:
        write_json({"limit_usd": limit, "woken_runs": woken})
        return
    click.echo(f"The budget of {place} is {wording.usd(limit)}.{_woken(woken)}")


@budgets.command()
@_PER
@_PIPELINE
@_RUN
@json_option
def remove(*, per: str | None, pipeline: str | None, run_id: UUID | None, as_json: bool) -> None:
    """Take a budget away; runs that wait for it go on."""
    place = _place(per, pipeline, run_id)

    async def work(service: Service) -> int:
        changed = await service.budgets.remove(
            period=place.period, pipeline=place.pipeline, run_id=place.run_id
        )
        return changed.woken_runs

    woken = with_service(work)
    if as_json:
        write_json({"woken_runs": woken})
        return
    click.echo(f"There is no budget of {place} any more.{_woken(woken)}")


def _place(per: str | None, pipeline: str | None, run_id: UUID | None) -> BudgetPlace:
    period = BudgetPeriod(per) if per else BudgetPeriod.RUN
    return BudgetPlace(period, pipeline, run_id)


def _woken(runs: int) -> str:
    return (
        f" {wording.counted(runs, 'run')} that waited for one {'is' if runs == 1 else 'are'} tried again."
        if runs
        else ""
    )


def _shown(budget: Budget) -> dict[str, object]:
    place = budget.place
    return {
        "period": place.period,
        "pipeline": place.pipeline,
        "run_id": place.run_id,
        "limit_usd": budget.limit_usd,
        "spent_usd": budget.spent_usd,
        "reserved_usd": budget.reserved_usd,
        "left_usd": budget.left_usd,
        "allows_unpriced": budget.allows_unpriced,
        "resets_at": budget.resets_at,
    }
