"""Whatever is built, its YAML and its JSON load to the same hash, and what is loaded writes itself the same again."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tegu import Classification, MailThread, Pipeline, StageContext, stage
from tegu.domain.json import JsonObject
from tegu.pipeline.node import Node
from tegu.stages.registry import StageRegistry, functions_by_key


@stage(version=1, retries=4, timeout_s=33.5)
async def lenient(thread: MailThread, route: Classification | None, ctx: StageContext) -> str:
    return thread.subject if route is None else route.category


@stage(version=2)
def label_of(route: Classification, ctx: StageContext) -> str:
    return route.category


_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
_SCHEMAS: st.SearchStrategy[JsonObject] = st.dictionaries(
    st.from_regex(r"[a-z]{1,6}\??", fullmatch=True),
    st.sampled_from(["str", "int?", "list[money]", "date? - when", "a | b", "bool"]),
    min_size=1,
    max_size=4,
)

_OPTIONS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "retries": st.integers(0, 20),
        "timeout_s": st.sampled_from([1, 0.5, 120, 120.0, 3600]),
        "when": st.sampled_from(["run.metadata.attempt == 1", "run.metadata.a == 'b: #c'"]),
        "result": st.sampled_from([False, {"type": "kind"}]),
    },
)


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline[MailThread]:
    made = Pipeline(
        "made", MailThread, description=draw(st.none() | _TEXTS), model=draw(st.none() | st.just("rules"))
    )
    author: Any = made  # its options are drawn, and typed as nobody writes them
    nodes: list[Node[Any]] = []
    routes: list[Node[Classification | None]] = []
    for number in range(draw(st.integers(1, 6))):
        name = f"s{number}"
        inputs = [
            made.source,
            *(
                node.optional() if draw(st.booleans()) else node
                for node in draw(st.lists(st.sampled_from(nodes), unique_by=lambda node: node.name, max_size=3))
            ),
        ] if nodes else None  # fmt: skip
        common: Any = draw(_OPTIONS)
        kind = draw(st.sampled_from(["extract", "classify", "summarize", "prompt", "lenient", "label"]))
        if kind == "extract":
            node: Node[Any] = author.extract(name, draw(_SCHEMAS), inputs=inputs, **common)
        elif kind == "summarize":
            node = author.summarize(name, sentences_max=draw(st.integers(1, 50)), inputs=inputs, **common)
        elif kind == "prompt":
            node = author.prompt(name, instructions=f"Do {draw(_TEXTS)}", inputs=inputs, **common)
        elif kind == "lenient" and routes:
            node = author.stage(
                name, lenient, author.source, draw(st.sampled_from(routes)).optional(), **common
            )
        elif kind == "label" and routes:
            node = author.stage(name, label_of, draw(st.sampled_from(routes)).required(), **common)
        else:
            route: Node[Classification | None] = author.classify(
                name, labels=draw(st.dictionaries(_TEXTS, _TEXTS, min_size=1, max_size=3)), **common
            )
            routes.append(route)
            node = route
        nodes.append(node)
    return made


@settings(max_examples=60, deadline=None)
@given(pipelines())
def test_what_is_built_loads_to_the_same_hash_from_yaml_and_from_json(made: Pipeline[MailThread]) -> None:
    catalog = StageRegistry(functions=functions_by_key((lenient, label_of)))
    expected = made.definition(catalog)
    text = made.to_yaml()
    for source in (text, made.to_json()):
        loaded = Pipeline.load(source)
        assert loaded.definition(catalog).hash == expected.hash
        assert loaded.to_yaml() == text
