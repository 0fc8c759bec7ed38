"""From what earlier runs took to what runs of a version will take: no database, no clock.

Called by `forecasts` and `backfills`. Invariant: a figure of a stage comes from at least SAMPLES_MIN earlier runs of it, or of
what it was before (which is said); without them it is unknown, and so is every total that it counts in.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import fmean

from tegu.actions.estimating import (
    Sample,
    Samples,
    each_of,
    run_spread,
    slope_of,
    spread_of,
    sum_of,
)
from tegu.domain.call import EMBEDDED, RULES
from tegu.domain.forecast import (
    SAMPLES_MIN,
    Basis,
    Estimate,
    Forecast,
    StageForecast,
    Total,
)
from tegu.domain.status import StageStatus
from tegu.llm.catalog import worst_cost_usd
from tegu.llm.protocol import ModelRef
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.stage_changes import stage_changes
from tegu.storage.history import CallsTaken, EarlierRun, StageTaken
from tegu.storage.pipelines import PipelineVersion

_AMOUNTS = ("calls", "input_tokens", "output_tokens", "cost_usd")
_NOTHING = Estimate(0.0, 0.0, 0.0, 0.0)
_ENDED = frozenset({StageStatus.COMPLETED, StageStatus.FAILED, StageStatus.SKIPPED})


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be forecast: `runs` runs of a version, over texts of these lengths as far as they are known. `models` are those
    that a stage asks, in turn (none: only its code knows); `free` are the stages that ask none. `redone` is the part of the runs in
    which a stage is done anew (all, where it is not said); with `counts_reused` the earlier runs show that themselves. `taken` is, of
    the `of` earlier runs that the runs follow, the part that took a stage, where that is known.
    """

    version: PipelineVersion
    runs: int
    lengths: Sequence[float]
    models: Mapping[str, tuple[str, ...]]
    free: Collection[str]
    redone: Mapping[str, float] = field(default_factory=dict[str, float])
    counts_reused: bool = False
    taken: Mapping[str, float] = field(default_factory=dict[str, float])
    of: int = 0
    no_model: tuple[str, ...] = ()
    seed: int = 0

    def costs_nothing(self, stage: str) -> bool:
        """Whether whatever it asks is known to be free: no ledger is needed to say so."""
        models = self.models.get(stage, ())
        return bool(models) and all(ModelRef.parse(each).provider in EMBEDDED for each in models)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A stage's samples of each amount, and what is said of it."""

    said: StageForecast
    samples: Mapping[str, Samples]


def forecast(asked: Asked, history: Sequence[EarlierRun]) -> Forecast:
    """See the module. It computes for up to a second: not on the event loop."""
    definition = asked.version.definition
    known = {run.version: PipelineDefinition.from_json(run.document) for run in history}
    before = [(run, known[run.version]) for run in history]
    taken = [_taken(stage, asked, before) for stage in definition.stages]
    paid = [each for each in taken if each.said.basis not in {Basis.FREE, Basis.REUSED}]
    priced = [each for each in paid if not asked.costs_nothing(each.said.stage)]
    totals = {name: _total(priced if name == "cost_usd" else paid, name, asked) for name in _AMOUNTS}
    return Forecast(
        pipeline=asked.version.name,
        version=asked.version.number,
        runs=asked.runs,
        stages=tuple(each.said for each in taken),
        calls=totals["calls"],
        input_tokens=totals["input_tokens"],
        output_tokens=totals["output_tokens"],
        cost_usd=totals["cost_usd"],
        run_cost_usd=_of_one(priced, asked),
        unknown=tuple(f"{each.said.stage}: {each.said.note}" for each in taken if each.said.note),
        no_model=asked.no_model,
        seed=asked.seed,
    )


def _taken(
    stage: StageDefinition, asked: Asked, before: Sequence[tuple[EarlierRun, PipelineDefinition]]
) -> _Taken:
    if asked.redone.get(stage.name, 1.0) == 0:
        return _Taken(StageForecast(stage.name, Basis.REUSED, 0), {})
    if stage.name in asked.free:
        return _Taken(StageForecast(stage.name, Basis.FREE, 0), {})
    same: list[tuple[EarlierRun, StageTaken]] = []
    nearest: list[tuple[EarlierRun, StageTaken]] = []
    differs: dict[str, None] = {}
    for run, definition in before:
        then = definition.stage(stage.name) if stage.name in definition else None
        if then is None or then.uses != stage.uses:
            continue
        ended = run.stages.get(stage.name, StageTaken(stage.name, StageStatus.SKIPPED, None, ()))
        if ended.status not in _ENDED or (ended.is_reused and not asked.counts_reused):
            continue
        if changes := stage_changes(then, stage):
            nearest.append((run, ended))
            differs |= dict.fromkeys(changes)
        else:
            same.append((run, ended))
    if len(same) >= SAMPLES_MIN:
        return _measured(stage, asked, same, Basis.SAME, ())
    if len(same) + len(nearest) >= SAMPLES_MIN:
        return _measured(stage, asked, [*same, *nearest], Basis.NEAREST, tuple(differs))
    count = len(same) + len(nearest)
    note = f"{count} earlier runs so far, and an estimate needs {SAMPLES_MIN}"
    cost_usd = _NOTHING if asked.costs_nothing(stage.name) else None
    return _Taken(
        StageForecast(stage.name, Basis.UNKNOWN, count, tuple(differs), cost_usd=cost_usd, note=note), {}
    )


def _measured(
    stage: StageDefinition,
    asked: Asked,
    found: Sequence[tuple[EarlierRun, StageTaken]],
    basis: Basis,
    differs: tuple[str, ...],
) -> _Taken:
    models = asked.models.get(stage.name, ())
    part = asked.redone.get(stage.name, 1.0)
    are_marked = [
        _is_taken(run.before.get(stage.name) if asked.counts_reused and run.before else taken.status)
        for run, taken in found
    ]
    samples = {
        name: Samples(
            _samples(found, are_marked, lambda calls, name=name: _amount(calls, name, models), part),
            asked.taken.get(stage.name),
        )
        for name in _AMOUNTS
    }
    length = fmean(asked.lengths) if asked.lengths else None
    answered = sorted({calls.model for _, taken in found for calls in taken.calls})
    if models and answered and not set(answered) & set(models):
        differs = (*(each for each in differs if each != "model"), "model")
    waits = [taken.elapsed_s for _, taken in found if taken.calls and taken.elapsed_s is not None]
    costs = samples["cost_usd"].taken
    is_free = asked.costs_nothing(stage.name)
    are_taken = [float(_is_taken(taken.status)) for _, taken in found]
    estimates = {name: _estimate(samples[name], length) for name in _AMOUNTS}
    said = StageForecast(
        stage=stage.name,
        basis=basis,
        samples=len(found),
        differs=differs,
        versions=tuple(sorted({run.version for run, _ in found})),
        model=models[0] if models else ", ".join(answered) or None,
        share=sum(kind.share * kind.mean(are_taken) for kind in samples["calls"].kinds()),
        calls=estimates["calls"],
        input_tokens=estimates["input_tokens"],
        output_tokens=estimates["output_tokens"],
        cost_usd=_NOTHING if is_free else estimates["cost_usd"],
        latency_s=_estimate(Samples(_as_samples(waits, found)), None),
        is_scaled=length is not None and len(costs) >= SAMPLES_MIN and slope_of(costs) is not None,
        note=_unpriced(models, answered) if len(costs) < SAMPLES_MIN and not is_free else None,
    )
    return _Taken(said, samples)


def _as_samples(
    amounts: Sequence[float], found: Sequence[tuple[EarlierRun, StageTaken]]
) -> tuple[Sample, ...]:
    return tuple(Sample(run.id, amount) for (run, _), amount in zip(found, amounts, strict=False))


def _unpriced(models: tuple[str, ...], answered: Sequence[str]) -> str:
    said = ", ".join(models[:1] or answered) or "its model"
    return f"what it will cost is not known: no price of {said}, or no tokens of earlier calls"


def _is_taken(status: StageStatus | None) -> bool:
    return status not in {None, StageStatus.SKIPPED}


def _samples(
    found: Sequence[tuple[EarlierRun, StageTaken]],
    are_marked: Sequence[bool],
    amount_of: Callable[[Sequence[CallsTaken]], float | None],
    part: float,
) -> tuple[Sample, ...]:
    """Of the runs of which the amount is known, as much of it as the part of the runs that the stage is done in. Those are marked
    that took the stage in the earlier run, which is the one that was reused where there is one.
    """
    return tuple(
        Sample(run.id, amount * part, run.length, is_marked)
        for (run, taken), is_marked in zip(found, are_marked, strict=True)
        if (amount := amount_of(taken.calls)) is not None
    )


def _amount(calls: Sequence[CallsTaken], name: str, models: tuple[str, ...]) -> float | None:
    """Of all calls that a stage made; None where it is not known of one of them."""
    total = 0.0
    for each in calls:
        amount = each.calls if name == "calls" else _priced(each, name, models)
        if amount is None:
            return None
        total += amount
    return total


def _priced(calls: CallsTaken, name: str, models: tuple[str, ...]) -> float | None:
    """Tokens or cost, as they would be of the model that is to be asked."""
    if models and models[0] == RULES:
        return 0.0
    is_other = bool(models) and calls.model not in models
    if calls.model == RULES:
        return None if is_other else 0.0  # the rules count no tokens: they tell nothing of a model
    if name != "cost_usd":
        return None if calls.uncounted else float(getattr(calls, name))
    if not is_other and not calls.unpriced:
        return float(calls.cost_usd)
    if calls.uncounted:
        return None
    price = worst_cost_usd(
        ModelRef.parse(models[0] if is_other else calls.model),
        input_tokens=round(calls.input_tokens / calls.calls),
        output_tokens=round(calls.output_tokens / calls.calls),
    )
    return None if price is None else float(price) * calls.calls


def _estimate(samples: Samples, length: float | None) -> Estimate | None:
    if len(samples.taken) < SAMPLES_MIN:
        return None
    found = run_spread(samples, length)
    return Estimate(found.mean, found.margin, found.p50, found.p90)


def _total(paid: Sequence[_Taken], name: str, asked: Asked) -> Total | None:
    if not paid or not asked.runs:
        return Total.of(spread_of([0.0]))
    stages = [each.samples.get(name, Samples()) for each in paid]
    if any(len(samples.taken) < SAMPLES_MIN for samples in stages):
        return None
    # Its own randomness for each amount, so that one does not change with what else is asked.
    random = Random(f"{asked.seed} {name}")  # noqa: S311 (no secret)
    part = min(1.0, asked.runs / asked.of) if asked.of else 0.0
    return Total.of(sum_of(stages, asked.lengths, asked.runs, random, part=part))


def _of_one(paid: Sequence[_Taken], asked: Asked) -> Total | None:
    stages = [each.samples.get("cost_usd", Samples()) for each in paid]
    if not paid or any(len(samples.taken) < SAMPLES_MIN for samples in stages):
        return None if paid else Total.of(spread_of([0.0]))
    return Total.of(each_of(stages, asked.lengths, Random(f"{asked.seed} one")))  # noqa: S311 (no secret)
