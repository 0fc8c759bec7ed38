"""Runs by the models that they asked, as a condition for queries.

Called by `run_filters`, inside one organization's transaction.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, literal, select

from tegu.storage.tables import llm_calls, runs
from tegu.storage.transaction import Transaction

FEW_MAX = 50_000
"""Runs are looked for one by one where a model was asked no more than so often, and from the list's beginning where more."""


@dataclass(frozen=True, slots=True)
class ModelKnown:
    """A model, of one provider or of those that it was asked at; and whether that was seldom."""

    name: str
    providers: tuple[str, ...]
    is_few: bool


async def look_at_model(connection: Transaction, organization_id: UUID, said: str) -> ModelKnown:
    """`said` is `provider:model`, or a model whoever provides it. Asked for before, so that the planner knows how rare it is."""
    provider, _, name = said.partition(":")
    if name:
        providers = (provider,)
    else:
        name, providers = said, await _providers(connection, organization_id, said)
    several = select(llm_calls.c.run_id).where(_is_of(organization_id, name, providers)).limit(FEW_MAX + 1)
    count = select(func.count()).select_from(several.subquery())
    is_few = (await connection.execute(count)).scalar_one() <= FEW_MAX
    return ModelKnown(name, providers, is_few)


def has_asked(organization_id: UUID, model: ModelKnown) -> ColumnElement[bool]:
    """Whether a run asked it."""
    is_of = _is_of(organization_id, model.name, model.providers)
    if model.is_few:
        few = select(llm_calls.c.run_id).where(is_of).distinct().cte("asked").prefix_with("materialized")
        return runs.c.id.in_(select(few.c.run_id))
    return select(literal(1)).where(is_of, llm_calls.c.run_id == runs.c.id).correlate(runs).exists()


def _is_of(organization_id: UUID, name: str, providers: tuple[str, ...]) -> ColumnElement[bool]:
    c = llm_calls.c
    # One by `=`: the order of the index then is that of the runs.
    provided = c.provider == providers[0] if len(providers) == 1 else c.provider.in_(providers)
    return and_(c.organization_id == organization_id, c.model == name, provided, c.run_id.is_not(None))


async def _providers(connection: Transaction, organization_id: UUID, name: str) -> tuple[str, ...]:
    """Each by one look at the index, however many calls there are."""
    c = llm_calls.c
    found = list[str]()
    while True:
        query = (
            select(c.provider)
            .where(c.organization_id == organization_id, c.model == name, c.run_id.is_not(None))
            .order_by(c.provider)
            .limit(1)
        )
        after = query.where(c.provider > found[-1]) if found else query
        provider = await connection.scalar(after)
        if provider is None:
            return tuple(found)
        found.append(provider)
