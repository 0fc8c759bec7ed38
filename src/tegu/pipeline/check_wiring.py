"""How the stages of a document are wired: each check of stages against each other, one after another.

Called by `check` when every stage has been read. Invariant: a problem in one stage does not hide those of others.
"""

from collections.abc import Mapping

from tegu.domain.content import InputKind
from tegu.pipeline.catalog import KindCatalog
from tegu.pipeline.check_conditions import ConditionChecker
from tegu.pipeline.check_functions import FunctionChecker
from tegu.pipeline.check_order import WaitingOrder
from tegu.pipeline.check_outputs import OutputSchemas
from tegu.pipeline.check_reachability import ReachabilityChecker
from tegu.pipeline.check_references import check_references
from tegu.pipeline.check_stage import CheckedStage
from tegu.pipeline.report import Report


def check_wiring(
    checked: Mapping[str, CheckedStage],
    input_kind: InputKind,
    catalog: KindCatalog | None,
    report: Report,
    *,
    output: str | None,
) -> None:
    """Report everything. `output` is the stage whose output is the pipeline's."""
    stages = {name: each.definition for name, each in checked.items()}
    order = WaitingOrder(stages)
    schemas = OutputSchemas(checked, catalog, order.handled)
    conditions = ConditionChecker(stages, order, schemas, report, input_kind)
    functions = FunctionChecker(stages, input_kind, schemas, report)
    reachability = ReachabilityChecker(stages, order, schemas, report)
    check_references(stages, report)
    order.check_circles(report)
    for stage in stages.values():
        if report.is_full:
            return
        if stage.when is not None:
            conditions.check(stage, stage.when)
        contract = checked[stage.name].contract
        if contract is not None:
            functions.check(stage, contract)
        elif catalog is not None and checked[stage.name].config_is_valid:
            for problem in catalog.config_problems(stage.uses, stage.config, schemas.inputs_of(stage)):
                report.add(f"stages.{stage.name}.with.{problem.place}", problem.message, problem.hint)
        reachability.check(stage)
    reachability.warn_of_unused(output)
