"""The registry as the pipeline check sees it."""

from collections.abc import Mapping

import pytest

from tegu.domain.errors import StageError, UsageError
from tegu.domain.json import JsonObject
from tegu.llm.schema import schema_problems, validator
from tegu.pipeline.catalog import KindCatalog
from tegu.pipeline.function import stage
from tegu.stages.context import StageContext
from tegu.stages.registry import StageRegistry, functions_by_key

CONFIGS: Mapping[str, JsonObject] = {
    "parse": {"pages": "1-2"},
    "extract": {"schema": {"type": "object", "properties": {"a": {"type": "string"}}}, "instructions": "x"},
    "classify": {"labels": {"a": "b"}},
    "summarize": {"sentences_max": 2},
    "prompt": {"instructions": "do"},
    "split": {"by": "pages", "size": 2000, "overlap": 100},
    "collect": {"take": "entities", "flatten": False},
    "merge": {"prefer": "last", "lists": "choose"},
    "dedupe": {"key": ["name", "address.city"], "normalize": ["case", "space"], "keep": "merge"},
    "pipeline": {"pipeline": "invoices@2", "output": "total"},
    "loop": {"pipeline": "invoices@2", "until": "iteration == 3", "times_max": 3},
    "python": {"function": "double@1"},
    "review": {"assignee": "anna@example.com", "due_s": 60, "on_timeout": "approve"},
    "wait": {"until": "2026-12-24T08:00:00+01:00"},
    "http": {"url": "https://api.example.com/orders", "auth": {"credential": "shop"}},
    "webhook": {"event": "refund_approved"},
}


@stage(version=1)
async def double(text: str, ctx: StageContext) -> int:
    """Twice its length."""
    return 2 * len(text)


def test_a_registry_answers_what_the_check_asks() -> None:
    catalog: KindCatalog = StageRegistry(functions=functions_by_key([double]))
    assert set(catalog.kinds()) == set(CONFIGS)
    assert catalog.functions()["double@1"].output == {"type": "integer"}
    for kind, config in CONFIGS.items():
        schema = catalog.config_schema(kind)
        assert schema_problems(schema) == ()
        assert validator(schema).problems(config) == ()
        assert validator(schema).problems({**config, "unknown_option": 1})
        assert schema_problems(catalog.output_schema(kind, config)) == ()


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("parse", {"pages": "two"}),
        ("classify", {"labels": {}}),
        ("classify", {}),
        ("summarize", {"sentences_max": 0}),
        ("prompt", {"instructions": ""}),
        ("extract", {"temperature": 9}),
        ("split", {"by": "pgaes"}),
        ("split", {"size": 1}),
        ("split", {"by": "separator"}),
        ("collect", {"take": "a..b"}),
        ("merge", {"prefer": "both"}),
        ("dedupe", {"normalize": ["colour"]}),
        ("python", {}),
        ("review", {"assignee": "nobody"}),
        ("review", {"on_timeout": "wait"}),
        ("wait", {}),
        ("wait", {"seconds": 1, "signal": "paid"}),
        ("wait", {"until": "2026-12-24T08:00:00"}),
        ("http", {"url": "https://api.example.com/{order}"}),
        ("http", {"url": "ftp://example.com/"}),
        ("http", {"url": "https://example.com/", "headers": {"x": "a\r\nb"}}),
        ("webhook", {}),
    ],
)
def test_a_wrong_option_is_a_problem_of_its_schema(kind: str, config: JsonObject) -> None:
    assert validator(StageRegistry().config_schema(kind)).problems(config)


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(StageError, match="did you mean 'classify'"):
        StageRegistry().kind("clasify")


def test_two_functions_of_one_key_are_refused() -> None:
    @stage(version=1, name="double")
    async def other(text: str, ctx: StageContext) -> int:
        return 0

    with pytest.raises(UsageError, match="two stages 'double@1'"):
        functions_by_key([double, other])
    with pytest.raises(UsageError, match="is not a stage"):
        functions_by_key([len])
