"""How a pipeline is named: itself, or one version of it."""

import pytest

from tegu.pipeline.pipeline_name import PipelineName, base_name


def test_a_name_is_of_the_current_version_and_a_number_of_that_one() -> None:
    assert PipelineName.read("invoices") == PipelineName("invoices")
    assert PipelineName.read("invoices@3") == PipelineName("invoices", 3)
    draft = PipelineName.read("invoices@-1")
    assert (draft, draft is not None and draft.is_draft) == (PipelineName("invoices", -1), True)
    assert base_name("invoices@3") == base_name("invoices") == "invoices"


@pytest.mark.parametrize(
    "written", ["invoices@", "invoices@new", "invoices@--1", "invoices@٣", "invoices@1@2", "a@1234567890"]
)
def test_what_is_no_number_names_no_version(written: str) -> None:
    assert PipelineName.read(written) is None
