"""Where a call is answered: only what is known counts."""

import pytest

from tegu.domain.errors import ConfigurationError
from tegu.llm.protocol import Credential, ModelRef
from tegu.llm.regions import DECLARED, checked_region, declared_regions, is_among, region_of


@pytest.mark.parametrize(
    ("model", "credential", "region"),
    [
        ("rules", Credential(), "local"),
        ("openai:gpt-5", Credential("k"), None),
        ("openai:gpt-5", Credential("k", options=((DECLARED, "eu-west-1"),)), "eu-west-1"),
        ("bedrock:anthropic.claude", Credential(options=(("region", "eu-central-1"),)), "eu-central-1"),
        ("bedrock:eu.anthropic.claude", Credential(options=(("region", "eu-central-1"),)), "eu"),
        ("bedrock:global.anthropic.claude", Credential(options=(("region", "eu-central-1"),)), None),
        (
            "bedrock:anthropic.claude",
            Credential(base_url="https://proxy.example", options=(("region", "eu-central-1"),)),
            None,
        ),
        (
            "bedrock:anthropic.claude",
            Credential(base_url="https://bedrock-runtime.us-east-1.amazonaws.com"),
            "us-east-1",
        ),
        ("google-cloud:gemini", Credential(options=(("location", "europe-west4"),)), "europe-west4"),
        ("google-cloud:gemini", Credential(options=(("location", "global"),)), None),
        ("azure:gpt", Credential("k", "https://mine.openai.azure.com"), None),
        (
            "azure:gpt",
            Credential("k", "https://swedencentral.api.cognitive.microsoft.com/x"),
            "swedencentral",
        ),
        (
            "azure:gpt",
            Credential("k", "https://swedencentral.api.cognitive.microsoft.com.evil.example"),
            None,
        ),
    ],
)
def test_the_region_is_known_by_host_option_or_declaration(
    model: str, credential: Credential, region: str | None
) -> None:
    assert region_of(ModelRef.parse(model), credential, {}) == region


def test_the_operator_declares_where_hosts_do_not_say() -> None:
    declared = declared_regions("openai = eu, google-vertex=europe-west4")
    assert region_of(ModelRef("openai", "x"), Credential("k"), declared) == "eu"
    assert declared["google-cloud"] == "europe-west4"
    for wrong in ("openai", "openai=", "nobody=eu", "openai=e u"):
        with pytest.raises(ConfigurationError):
            declared_regions(wrong)


def test_an_unknown_region_is_among_none_and_a_star_stands_at_the_end() -> None:
    assert is_among("eu-central-1", ("eu-*",))
    assert not is_among("us-east-1", ("eu-*", "us-east-2"))
    assert not is_among(None, ("*",))
    assert is_among("local", ())
    assert checked_region(" EU-* ", is_pattern=True) == "eu-*"
    with pytest.raises(ConfigurationError):
        checked_region("eu-*")
