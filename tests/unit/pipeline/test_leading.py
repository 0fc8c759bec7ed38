"""The part of a pipeline that leads to a stage is a pipeline: random ones are cut at each of their stages."""

import pytest
from hypothesis import given, settings
from test_plan_properties import pipelines

from tegu.domain.content import InputKind
from tegu.domain.errors import NotFoundError
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.leading import leading_to
from tegu.pipeline.prepared import prepare


@settings(max_examples=60, deadline=None)
@given(pipelines(cancels=True))
def test_what_leads_to_a_stage_is_whole_and_the_stage_comes_last_of_it(
    definition: PipelineDefinition,
) -> None:
    for stage in definition.stages:
        part = leading_to(definition, stage.name)
        assert stage.name in part
        prepare(part)  # no stage is named that is not there
        kept = {each.name for each in part.stages}
        after = {name for name in kept if stage.name in definition.waits()[name]}
        assert after == set()
        for each in part.stages:
            assert set(definition.waits()[each.name]) <= kept


def test_handlers_outputs_and_cancels_that_are_left_out_are_no_longer_named() -> None:
    read = StageDefinition("read", "prompt", on_failure="mend", cancels=("mend", "rest"))
    mend = StageDefinition("mend", "prompt")
    rest = StageDefinition("rest", "prompt", inputs=("read",))
    whole = PipelineDefinition("notes", InputKind.CONTENT, (read, mend, rest), output="rest")
    part = leading_to(whole, "read")
    assert [each.name for each in part.stages] == ["read"]
    assert (part.stage("read").on_failure, part.stage("read").cancels, part.output) == ("fail", (), None)
    assert "read" in leading_to(whole, "mend")  # which starts when that fails
    with pytest.raises(NotFoundError, match="there is no stage 'reed'"):
        leading_to(whole, "reed")
