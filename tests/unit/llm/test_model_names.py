"""Models as people write them: read, checked, resolved; and the table of defaults held against the price table."""

import re
from pathlib import Path

import pytest

from tegu.domain.errors import ConfigurationError
from tegu.llm.catalog import known_models
from tegu.llm.default_models import DEFAULT_MODELS
from tegu.llm.fallback import ANOTHER_MAY_DO_BETTER, ANOTHER_WOULD_DO_THE_SAME
from tegu.llm.model_names import MODELS_MAX, HasKey, ModelNames, parse_written
from tegu.llm.protocol import ModelRef
from tegu.llm.providers.registry import PROVIDER_NAMES
from tegu.settings import Settings

ERRORS_PAGE = Path(__file__).resolve().parents[3] / "docs" / "errors.md"


def with_keys(*providers: str) -> HasKey:
    async def can_call(provider: str) -> bool:
        return provider in providers

    return can_call


async def resolved(text: str, *providers: str, **aliases: str) -> list[str]:
    return [str(ref) for ref in await ModelNames(aliases).resolve(text, with_keys(*providers))]


async def test_a_chain_is_asked_in_the_order_written_and_each_model_once() -> None:
    text = "anthropic:claude-sonnet-5-5, openai:gpt-6-luna ,anthropic:claude-sonnet-5-5, rules"
    assert await resolved(text) == ["anthropic:claude-sonnet-5-5", "openai:gpt-6-luna", "rules"]


async def test_an_alias_may_stand_for_a_chain_and_for_other_aliases() -> None:
    found = await resolved(
        "careful, rules", careful="smart, cheap", smart="anthropic:a, openai:b", cheap="openai:c"
    )
    assert found == ["anthropic:a", "openai:b", "openai:c", "rules"]


async def test_fast_and_smart_stand_for_models_of_the_providers_that_have_keys_in_a_fixed_order() -> None:
    fast = {ref.provider: str(ref) for ref in DEFAULT_MODELS["fast"]}
    assert await resolved("fast", "google", "anthropic") == [fast["anthropic"], fast["google"]]
    assert await resolved("smart", "openai") == [
        str(ref) for ref in DEFAULT_MODELS["smart"] if ref.provider == "openai"
    ]


async def test_without_any_key_fast_is_an_error_and_never_the_rules() -> None:
    with pytest.raises(ConfigurationError) as caught:
        await resolved("fast", "rules", "ollama")
    assert caught.value.code == "no_model"
    assert caught.value.hint is not None
    assert "ANTHROPIC_API_KEY" in caught.value.hint
    assert "TEGU_MODEL_FAST" in caught.value.hint


async def test_in_a_chain_an_alias_without_a_key_is_passed_over() -> None:
    assert await resolved("fast, ollama:qwen3") == ["ollama:qwen3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not of the form provider:model"),
        ("gpt-5", "not of the form provider:model"),
        ("openai:", "not of the form provider:model"),
        ("openai:a,,openai:b", "names nothing between two commas"),
        ("openai:a,", "names nothing between two commas"),
        (",".join(f"openai:{n}" for n in range(MODELS_MAX + 1)), f"at most {MODELS_MAX}"),
        ("openai:" + "x" * 2000, "at most 1000 are read"),
        ("openai:\x1b[2J", "holds a character that no name has"),
        ("openai:gpt\u202e5", "holds a character that no name has"),
        ("openai:a\udc80", "holds a character that no name has"),
        ("openai:a\nb", "holds a character that no name has"),
    ],
)
def test_what_is_no_model_is_refused_where_it_is_read(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        parse_written(text)


@pytest.mark.parametrize(
    ("aliases", "message"),
    [
        ({"a": "b", "b": "openai:x, a"}, "leads to itself: a -> b -> a"),
        ({"fast": "fast"}, "leads to itself: fast -> fast"),
        ({"a": "gpt-5"}, "model alias 'a' is 'gpt-5': model 'gpt-5' is not of the form provider:model"),
        ({"a": "anthropc:x"}, "there is no provider 'anthropc' (did you mean 'anthropic'?)"),
        ({"a": "smrt"}, "there is no model alias 'smrt' (did you mean 'smart'?)"),
        ({"rules": "openai:x"}, "'rules' cannot be a model alias"),
        ({"Fast": "openai:x"}, "'Fast' cannot be a model alias"),
        ({"a": "b, b2", "b": "openai:1,openai:2,openai:3,openai:4,openai:5", "b2": "openai:6,openai:7,openai:8,openai:9"}, "stands for 9 models"),
    ],
)  # fmt: skip
def test_aliases_that_cannot_be_are_refused_when_they_are_made(aliases: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        ModelNames(aliases)


def test_many_aliases_that_name_each_other_twice_are_checked_in_no_time() -> None:
    doubling = {f"a{n}": f"a{n + 1}, a{n + 1}" for n in range(60)} | {"a60": "openai:x"}
    ModelNames(doubling).check("a0")


def test_variables_of_the_operator_make_aliases() -> None:
    environment = {
        "TEGU_MODEL": "fast",
        "TEGU_MODEL_FAST": " openai:x ",
        "TEGU_MODEL_LONG_READ": "google:y",
        "TEGU_MODEL_EMPTY": "",
    }
    settings = Settings.from_environment(environment)
    assert settings.model == "fast"
    assert settings.models == {"fast": "openai:x", "long_read": "google:y"}


def test_every_default_model_of_a_provider_that_we_have_is_in_the_price_table_and_not_deprecated() -> None:
    sold = {model.ref: model for model in known_models()}
    for alias, chain in DEFAULT_MODELS.items():
        assert len(chain) <= MODELS_MAX
        assert len({ref.provider for ref in chain}) == len(chain), f"{alias}: one model of each provider"
        for ref in chain:
            if ref.provider in PROVIDER_NAMES:
                assert ref in sold, f"{alias}: {ref} is gone; choose another and date the table"
                assert not sold[ref].is_deprecated, f"{alias}: {ref} is deprecated"
                assert sold[ref].input_usd_per_million, f"{alias}: {ref} has no price"
    assert ModelRef("rules", "rules") not in {ref for chain in DEFAULT_MODELS.values() for ref in chain}


def test_every_error_code_of_a_call_is_in_one_of_the_tables_of_the_fallback() -> None:
    section = ERRORS_PAGE.read_text("utf-8").partition("## Asking a model")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `(\w+)` \| (?:yes|no|if one is) \|", section, re.MULTILINE))
    decided = ANOTHER_MAY_DO_BETTER.keys() | ANOTHER_WOULD_DO_THE_SAME.keys()
    assert decided - {"configuration"} == documented
    assert not ANOTHER_MAY_DO_BETTER.keys() & ANOTHER_WOULD_DO_THE_SAME.keys()
