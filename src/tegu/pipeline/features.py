"""What a worker must know to drive the runs of a definition: its Python functions, and what of the language is not as old as workers are.

Stored with every version and run, said by every worker, compared by the claim: a worker of an older release takes no run that it would
drive wrongly. Invariant: a feature is never taken back, nor its name given to another one.
"""

from tegu.pipeline.definition import PipelineDefinition

FIRST_KINDS = frozenset({"parse", "extract", "classify", "summarize", "prompt", "python"})
"""What every worker performs; no run says that it needs them."""
LATER_KINDS = frozenset(
    {"split", "collect", "merge", "dedupe", "review", "wait", "http", "webhook", "pipeline", "loop"}
)
EACH = "each"
CHILD_RUNS = "child runs"
"""Runs that are about what their parent gave them: a slice of its items, or data. `start_children.sql` says it of each."""
FEATURES = LATER_KINDS | {EACH, CHILD_RUNS}


def needs_of(definition: PipelineDefinition) -> frozenset[str]:
    """`refund_request@1`, `loop`, `each`."""
    kinds = {stage.uses for stage in definition.stages} & LATER_KINDS
    is_mapping = any(stage.each is not None for stage in definition.stages)
    return definition.python_stages() | kinds | (frozenset({EACH}) if is_mapping else frozenset[str]())
