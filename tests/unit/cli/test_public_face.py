"""What `import tegu` offers."""

from pathlib import Path

import pytest

import tegu
from tegu.interfaces.cli.inputs import pipeline_source

NAMES = [
    "Budget",
    "BudgetPeriod",
    "BudgetPlace",
    "Classification",
    "ConfigurationError",
    "ConflictError",
    "Content",
    "DefinitionError",
    "Document",
    "EgressError",
    "EvidenceSpan",
    "Extraction",
    "ForbiddenError",
    "Health",
    "HookDelivery",
    "HostUser",
    "Ingested",
    "IntakeError",
    "InvalidInputError",
    "LlmCall",
    "MailMessage",
    "MailThread",
    "NoCapacityError",
    "Node",
    "NotFoundError",
    "OrganizationHandle",
    "Pause",
    "Pipeline",
    "ProviderError",
    "QuotaError",
    "Result",
    "Reviewed",
    "Run",
    "RunEnded",
    "RunEvent",
    "RunFailedError",
    "RunStatus",
    "Schedule",
    "ScheduleSpec",
    "ScheduledInput",
    "SignatureError",
    "SourceType",
    "StageContext",
    "StageError",
    "StageRun",
    "StageStatus",
    "StartOptions",
    "StorageUnavailableError",
    "Summary",
    "SyncHandle",
    "SyncTegu",
    "SyncTeguClient",
    "Tegu",
    "TeguClient",
    "TeguError",
    "UnauthenticatedError",
    "UnreachableError",
    "UsageError",
    "WorkerOptions",
    "otherwise",
    "run_sync",
    "stage",
]


def test_the_public_names_are_these() -> None:
    # A name that goes away breaks somebody's program: change this list on purpose only.
    assert sorted(tegu.__all__) == NAMES
    assert dir(tegu) == tegu.__all__


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_says_what_it_is(name: str) -> None:
    assert getattr(tegu, name).__doc__


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = tegu.nothing_of_the_kind  # pyright: ignore[reportAttributeAccessIssue] (that is the test)


@pytest.mark.parametrize(
    ("text", "is_file"),
    [
        ("email_analysis", False),
        ("email_analysis@2", False),
        ("mine.yaml", True),
        ("mine.JSON", True),
        ("folder/mine", True),
        ("./mine", True),
    ],
)
def test_a_pipeline_is_a_file_where_it_looks_like_one(text: str, is_file: bool) -> None:
    assert isinstance(pipeline_source(text), Path) is is_file
