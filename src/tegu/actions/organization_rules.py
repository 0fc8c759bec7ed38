"""What organizations set for themselves, as everything around a model call asks for it: which key, whether it may go there, and
how much of it is kept.

Made by the runtime, which hands it out as source of credentials, as admission and to the ledger. Invariants: nothing is sent to a
provider or region that is not allowed, by whatever path; an organization's own key goes before the operator's, and only to the host
that it was stored for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from pydantic_core import from_json

from tegu.domain.call import EMBEDDED, RULES
from tegu.domain.errors import ConfigurationError
from tegu.domain.json import JsonObject
from tegu.domain.privacy import OrganizationSettings, StoreLlm
from tegu.llm.admission import Admission, Ending, Intent
from tegu.llm.credentials import EnvironmentCredentials
from tegu.llm.protocol import Credential, CredentialSource, ModelRef
from tegu.llm.providers.registry import ALIASES
from tegu.llm.regions import DECLARED, is_among, region_of
from tegu.sealing import Keyring
from tegu.storage.bodies import Bodies
from tegu.storage.database import Database
from tegu.storage.organization_settings import SealedKey, key_place, keys_of, settings_of
from tegu.storage.remembered import Remembered

OWN_HOST = "the provider's own"
"""What stands for the host where the provider's library knows it."""


class OrganizationRules:
    """See the module; implements CredentialSource. `regions` are those that the operator declares, by provider."""

    def __init__(
        self,
        database: Callable[[], Database],
        operators: CredentialSource,
        keyring: Callable[[], Keyring],
        regions: Mapping[str, str],
    ) -> None:
        self._database = database
        self._operators = operators
        self._keyring = keyring
        self._regions = regions
        self._settings = Remembered(self._read_settings)
        self._keys = Remembered(self._read_keys)
        self.bodies = Bodies(self._store_llm, keyring)

    @property
    def environment(self) -> EnvironmentCredentials:
        """Which hosts the operator set; the providers' own where credentials come from somewhere else."""
        found = self._operators
        return found if isinstance(found, EnvironmentCredentials) else EnvironmentCredentials({})

    async def settings(self, organization_id: UUID) -> OrganizationSettings:
        """As they were seconds ago."""
        return await self._settings.of(organization_id)

    async def credential(self, organization_id: UUID, provider: str) -> Credential:
        """See `llm.protocol.CredentialSource`. Raises ConfigurationError also for a provider that is not allowed."""
        name = ALIASES.get(provider, provider)
        check_provider(await self.settings(organization_id), name)
        own = (await self._keys.of(organization_id)).get(name)
        if own is None:
            return await self._operators.credential(organization_id, provider)
        return self._opened(organization_id, own)

    def admission(self, organization_id: UUID) -> Admission:
        """Whose leave every call needs, before any other."""
        return _Leave(self, organization_id)

    async def check(self, organization_id: UUID, model: ModelRef, credential: Credential) -> None:
        """Raises ConfigurationError where a call may not go there."""
        settings = await self.settings(organization_id)
        check_provider(settings, ALIASES.get(model.provider, model.provider))
        if settings.regions is None:
            return
        asked = replace(model, provider=ALIASES.get(model.provider, model.provider))
        region = region_of(asked, credential, self._regions)
        if not is_among(region, settings.regions):
            where = f"answers in {region}" if region is not None else "answers nobody knows where"
            raise ConfigurationError(
                f"{model} {where}, and the organization's calls go to {', '.join(settings.regions) or 'no region'} only",
                code="destination_not_allowed",
                hint="name a model of an allowed region; the operator declares regions by TEGU_REGIONS=provider=region",
            )

    def forget(self, organization_id: UUID) -> None:
        """They were changed in this process."""
        self._settings.forget(organization_id)
        self._keys.forget(organization_id)

    def _opened(self, organization_id: UUID, own: SealedKey) -> Credential:
        place = key_place(organization_id, own.provider, own.host)
        secret: JsonObject = from_json(self._keyring().unseal(own.sealed, place))
        options = secret["options"]
        assert isinstance(options, dict)
        made = self.environment.own(
            own.provider, str(secret["api_key"] or ""), {name: str(value) for name, value in options.items()}
        )
        if (made.base_url or OWN_HOST) != own.host:
            raise ConfigurationError(
                f"the organization's key of {own.provider!r} was stored for {own.host}, and the host is another now",
                hint="rotate the key, so that it is good for the new host",
            )
        declared = ((DECLARED, own.region),) if own.region is not None else ()
        return replace(made, options=(*made.options, *declared))

    async def _read_settings(self, organization_id: UUID) -> OrganizationSettings:
        return await settings_of(await self._database().engine(), organization_id)

    async def _read_keys(self, organization_id: UUID) -> dict[str, SealedKey]:
        return await keys_of(await self._database().engine(), organization_id)

    async def _store_llm(self, organization_id: UUID) -> StoreLlm:
        return (await self.settings(organization_id)).store_llm


def check_provider(settings: OrganizationSettings, provider: str) -> None:
    """Raises ConfigurationError for one that is not allowed. What is embedded sends nothing anywhere."""
    if settings.providers is None or provider in EMBEDDED or provider in settings.providers:
        return
    raise ConfigurationError(
        f"provider {provider!r} is not one that the organization's data may go to",
        code="destination_not_allowed",
        hint=f"allowed: {', '.join((RULES, *settings.providers))}; an admin changes it by `settings.update`",
    )


@dataclass(frozen=True, slots=True)
class _Leave:
    """Implements Admission: holds nothing, and refuses what may not be sent."""

    rules: OrganizationRules
    organization_id: UUID

    async def reserve(self, intent: Intent, *, wait_s: float) -> "_Leave":
        del wait_s
        await self.rules.check(self.organization_id, intent.request.model, intent.credential)
        return self

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        del status, headers

    async def settle(self, ending: Ending) -> None:
        del ending
