"""Where a call is answered, as far as that can honestly be known.

Called by the rule that lets an organization's calls go to some regions only. Invariant: what is not known is None, which no
restriction allows; a model's name can send a call elsewhere than its host, and is read too.

    known     by the host (Amazon Bedrock, Google Cloud, Azure's regional hosts), or by the region that the host is made of
    declared  by the operator (TEGU_REGIONS), or by whoever stored the organization's own key: what their contract says
    local     what never leaves the process
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from tegu.domain.call import EMBEDDED
from tegu.domain.errors import ConfigurationError
from tegu.llm.protocol import Credential, ModelRef
from tegu.llm.providers.registry import canonical_name

DECLARED = "declared_region"
"""The option of a credential that says so."""
LOCAL = "local"
_HOSTS = (
    re.compile(
        r"bedrock-(?:runtime|mantle)(?:-fips)?\.([a-z]{2}(?:-[a-z]+)+-\d)\.(?:amazonaws\.com|api\.aws)"
    ),
    re.compile(r"([a-z]+-[a-z]+\d+)-aiplatform\.googleapis\.com"),
    re.compile(r"([a-z]+\d?)\.api\.cognitive\.microsoft\.com"),
)
_OPTIONS = {"bedrock": "region", "bedrock-mantle": "region", "google-cloud": "location"}
_PROFILE = re.compile(r"(us-gov|us|eu|apac|au|jp|ca|sa|global)\.[a-z0-9-]+\.")
"""Inference profiles of Bedrock: such a model is answered anywhere in that part of the world."""
_EVERYWHERE = "global"
_NAME = re.compile(r"[a-z0-9-]{1,60}")


def region_of(model: ModelRef, credential: Credential, declared: Mapping[str, str]) -> str | None:
    """The region that answers; None where it is not known. `declared` is the operator's, by provider."""
    provider = model.provider
    if provider in EMBEDDED:
        return LOCAL
    if provider == "bedrock" and (profile := _PROFILE.match(model.name)):
        return profile[1] if profile[1] != _EVERYWHERE else None
    said = credential.option(DECLARED) or declared.get(provider)
    if said is not None:
        return said
    if credential.base_url is not None:
        host = urlsplit(credential.base_url).hostname or ""
        return next((found[1] for form in _HOSTS if (found := form.fullmatch(host))), None)
    option = _OPTIONS.get(provider)
    found = credential.option(option) if option else None
    return found if found != _EVERYWHERE else None


def is_among(region: str | None, allowed: tuple[str, ...]) -> bool:
    """Whether it is one of these; `eu-*` is every region that begins so."""
    if region is None:
        return False
    return region == LOCAL or any(
        region.startswith(each[:-1]) if each.endswith("*") else region == each for each in allowed
    )


def checked_region(written: str, *, is_pattern: bool = False) -> str:
    """Raises ConfigurationError for what no region is called."""
    name = written.strip().lower()
    if not _NAME.fullmatch(name.removesuffix("*") if is_pattern else name):
        raise ConfigurationError(
            f"{written[:60]!r} is no region",
            hint="eu-central-1, europe-west4, swedencentral; `eu-*` for several",
        )
    return name


def declared_regions(written: str | None) -> Mapping[str, str]:
    """Read TEGU_REGIONS: `openai=eu, azure=swedencentral`. Raises ConfigurationError."""
    found: dict[str, str] = {}
    for piece in filter(None, (piece.strip() for piece in (written or "").split(","))):
        provider, equals, region = piece.partition("=")
        if not equals:
            raise ConfigurationError(
                f"TEGU_REGIONS has {piece[:60]!r}", hint="write provider=region, provider=region"
            )
        found[canonical_name(provider.strip())] = checked_region(region)
    return found
