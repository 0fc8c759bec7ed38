"""What is part of a fingerprint, and what is not: each component changes it, nothing else does."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import pytest
from stage_support import INVOICE, LocalCredentials, MemoryLedger, MemoryStore, task_of

from tegu.domain.content import Content, Document
from tegu.domain.fingerprint import changed_components, components_of
from tegu.domain.json import JsonObject
from tegu.llm.model_names import ModelNames
from tegu.llm.providers.registry import Providers
from tegu.pipeline.definition import ResultSpec, StageDefinition
from tegu.pipeline.function import stage as declared
from tegu.pipeline.task import StageTask
from tegu.stages import fingerprint as fingerprint_module
from tegu.stages.context import StageContext
from tegu.stages.extract import ExtractKind
from tegu.stages.fingerprint import Fingerprints
from tegu.stages.inputs import load_inputs
from tegu.stages.perform import Performer
from tegu.stages.registry import StageRegistry, built_in_kinds, functions_by_key
from tegu.stages.source import Sources

CONFIG: JsonObject = {
    "schema": {"number": "str", "total": "float"},
    "instructions": "The invoice.",
    "max_tokens": 500,
}


@declared(version=1)
def counted(document: Document, ctx: StageContext) -> int:
    """How many words."""
    return len(document.text.split())


@declared(version=2, name="counted")
def counted_again(document: Document, ctx: StageContext) -> int:
    """How many words, and one more."""
    return len(document.text.split()) + 1


class OtherExtract(ExtractKind):
    version = 2


@dataclass
class Known:
    """Everything that a stage run is made of; each case changes one thing of it."""

    store: MemoryStore = field(default_factory=MemoryStore)
    kinds: tuple[ExtractKind, ...] = ()
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    default_model: str | None = "openai:gpt-5-mini"
    stage: StageDefinition = field(
        default_factory=lambda: StageDefinition("extract", "extract", dict(CONFIG), ("source", "route"))
    )
    task_of: Callable[[StageTask], StageTask] = field(default=lambda task: task)
    model: str | None = None
    text: str = INVOICE
    route: JsonObject = field(default_factory=lambda: JsonObject({"category": "invoice"}))

    def content(self) -> Content:
        return self.store.add(self.text.encode())

    async def fingerprint(self) -> str:
        upstream = StageDefinition("route", "classify", {"labels": ["invoice", "letter"]})
        task = task_of(
            self.stage,
            content=self.content(),
            upstream=(upstream,),
            outputs={"route": self.route},
            model=self.model,
        )
        task = self.task_of(task)
        registry = StageRegistry((*built_in_kinds(), *self.kinds), functions_by_key([counted, counted_again]))

        async def default_model(organization_id: UUID) -> str | None:
            return self.default_model

        performer = Performer(
            registry,
            Sources(self.store),
            Providers().ready,
            LocalCredentials(),
            lambda task: MemoryLedger(),
            default_model,
            ModelNames(self.aliases),
        )
        inputs = await load_inputs(task, performer.sources)
        llm = performer.context(task).llm
        return await Fingerprints().of(registry.kind(task.stage.uses), task, llm, inputs)


Change = Callable[[Known], None]


def configured(**changes: object) -> Change:
    def change(known: Known) -> None:
        known.stage = replace(known.stage, config={**CONFIG, **changes})  # pyright: ignore[reportArgumentType] (JSON)

    return change


def staged(**changes: object) -> Change:
    def change(known: Known) -> None:
        known.stage = replace(known.stage, **changes)  # pyright: ignore[reportArgumentType] (field names)

    return change


def tasked(**changes: object) -> Change:
    def change(known: Known) -> None:
        known.task_of = lambda task: replace(task, **changes)  # pyright: ignore[reportArgumentType] (field names)

    return change


def having(**changes: object) -> Change:
    def change(known: Known) -> None:
        for name, value in changes.items():
            setattr(known, name, value)

    return change


async def changes_of(change: Change) -> tuple[str, ...] | None:
    before, after = Known(), Known()
    change(after)
    return changed_components(await before.fingerprint(), await after.fingerprint())


@pytest.mark.parametrize(
    ("change", "component"),
    [
        (having(kinds=(OtherExtract(),)), "kind"),
        (configured(instructions="The other invoice."), "instructions"),
        (configured(max_tokens=600), "settings"),
        (configured(temperature=0.5), "settings"),
        (configured(output_mode="tool"), "settings"),
        (configured(schema={"number": "str", "total": "float?"}), "schema"),
        (configured(limit=3), "configuration"),
        (having(model="openai:gpt-5"), "model"),
        (staged(model="anthropic:claude-sonnet-5-5"), "model"),
        (having(default_model="openai:gpt-5"), "model"),
        (having(default_model="openai:gpt-5-mini, openai:gpt-5"), "model"),
        (having(text=f"{INVOICE}Thanks."), "input:source"),
        (having(route={"category": "letter"}), "input:route"),
        (staged(inputs=("source",)), "input:route"),
        (staged(result=None), "result"),
        (staged(result=ResultSpec(type="invoice")), "result"),
    ],
)
async def test_each_component_changes_the_fingerprint(change: Change, component: str) -> None:
    assert await changes_of(change) == (component,)


@pytest.mark.parametrize(
    "change",
    [
        tasked(run_id=UUID(int=8)),
        tasked(organization_id=UUID(int=1)),
        tasked(attempt=3, generation=2, epoch=9, is_alone=True),
        having(model="openai:gpt-5-mini", default_model="openai:gpt-5"),
        configured(**dict(reversed(CONFIG.items()))),
        having(route=dict(reversed({"category": "invoice"}.items()))),
        staged(retries=9, timeout_s=7.0, when="true"),
        having(aliases={"cheap": "openai:gpt-5-mini"}, default_model="cheap"),
    ],
)
async def test_nothing_else_changes_it(change: Change) -> None:
    assert await changes_of(change) == ()


async def test_the_time_of_the_run_is_no_part_of_it() -> None:
    known = Known()
    known.task_of = lambda task: replace(task, pinned_at=task.pinned_at + timedelta(days=1))
    assert changed_components(await Known().fingerprint(), await known.fingerprint()) == ()


async def test_an_alias_is_what_it_stands_for_now() -> None:
    before = Known(aliases={"cheap": "openai:gpt-5-mini"}, model="cheap")
    after = Known(aliases={"cheap": "openai:gpt-5"}, model="cheap")
    assert changed_components(await before.fingerprint(), await after.fingerprint()) == ("model",)


async def test_the_version_of_the_code_that_writes_prompts_is_part_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = await Known().fingerprint()
    monkeypatch.setattr(fingerprint_module, "PROMPT_VERSION", 2)
    assert changed_components(before, await Known().fingerprint()) == ("prompt",)


async def test_the_rules_are_part_of_it_in_the_version_that_they_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = await Known(model="rules").fingerprint()
    monkeypatch.setattr(fingerprint_module, "RULES_VERSION", 7)
    after = await Known(model="rules").fingerprint()
    assert changed_components(before, after) == ("model",)
    assert (components_of(after) or {})["model"] == "rules@7"


async def test_another_version_of_a_function_is_another_fingerprint() -> None:
    def of(key: str) -> Known:
        return Known(stage=StageDefinition("count", "python", {"function": key}))

    changed = changed_components(await of("counted@1").fingerprint(), await of("counted@2").fingerprint())
    assert changed == ("function",)


async def test_a_stage_that_asks_nobody_does_not_depend_on_the_model() -> None:
    def parsing(model: str) -> Known:
        return Known(stage=StageDefinition("parse", "parse"), model=model)

    assert await parsing("rules").fingerprint() == await parsing("openai:gpt-5").fingerprint()


async def test_a_stage_with_no_model_has_a_fingerprint_too() -> None:
    components = components_of(await Known(default_model=None).fingerprint())
    assert components is not None
    assert components["model"] == ""


def test_a_fingerprint_of_before_says_nothing_of_its_components() -> None:
    assert components_of("0f" * 32) is None
    assert changed_components("0f" * 32, None) is None
