"""Models: list, choose and try them, and ask one without a run."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from tegu.actions import model_list, model_trials, models
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import ModelName
from tegu.actions.llm import Llm, LlmAnswer
from tegu.actions.model_list import ModelListing
from tegu.actions.model_trials import TRIALS_MAX, Trial
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.llm.model_names import has_key

INPUTS_MAX = 20
TEXT_LENGTH_MAX = 1_000_000


class ListModels(ActionInput):
    """Which models."""

    every: Annotated[bool, Field(description="Also those that cannot be called from here.")] = False


class UseModel(ActionInput):
    """Which model stages ask that name none; null: the installation's."""

    model: ModelName | None


class TryModels(ActionInput):
    """Which models to ask one tiny question."""

    models: Annotated[tuple[ModelName, ...], Field(min_length=1, max_length=TRIALS_MAX)]


class Ask(ActionInput):
    """What to ask a model: what it is to do, and the texts to do it with, which are kept apart from that."""

    instructions: Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH_MAX)]
    texts: Annotated[
        tuple[Annotated[str, Field(max_length=TEXT_LENGTH_MAX)], ...], Field(max_length=INPUTS_MAX)
    ] = ()
    model: ModelName | None = None


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """The organization's own model, as written; null: it has none."""

    model: str | None


@dataclass(frozen=True, slots=True)
class Trials:
    """How the one call to each went. `cost_usd_max` is what they could cost at most where the price is known."""

    trials: tuple[Trial, ...]
    cost_usd_max: Decimal
    unknown_costs: int


@action("models.list", effect=Effect.READ, permission=Permission.SETTINGS_READ)
async def list_models(scope: Scope, asked: ListModels) -> ModelListing:
    """List the models that can be called, with prices, what the aliases stand for now, and the defaults."""
    return await model_list.listing_of(scope, every=asked.every)


@action(
    "models.use",
    effect=Effect.WRITE,
    permission=Permission.SETTINGS_WRITE,
    audited=("model",),
    is_idempotent=True,
)
async def use_model(scope: Scope, asked: UseModel) -> ChosenModel:
    """Choose the model of the organization's stages that name none."""
    await models.set_model(scope, asked.model)
    return ChosenModel(asked.model)


@action("models.try", effect=Effect.WRITE, permission=Permission.CALLS_WRITE, audited=("models",))
async def try_models(scope: Scope, asked: TryModels) -> Trials:
    """Make one tiny call to each of a few models: whether key, name and network are fine, how long it takes, what it costs."""
    machinery = scope.machinery
    can_call = has_key(machinery.credentials, scope.organization_id)
    named = [ref for name in asked.models for ref in await machinery.names.resolve(name, can_call)]
    plan = model_trials.plan_trials(named)
    return Trials(await model_trials.try_models(scope, plan), plan.cost_usd_max, plan.unknown_costs)


@action("llm.ask", effect=Effect.WRITE, permission=Permission.CALLS_WRITE, audited=("model",))
async def ask(scope: Scope, asked: Ask) -> LlmAnswer:
    """Ask a model without a run, and wait for its answer. The call is in the ledger, and within the budgets."""

    async def own() -> Scope:
        return scope

    return await Llm(own).ask(asked.instructions, asked.texts, model=asked.model)
