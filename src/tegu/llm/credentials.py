"""Keys and hosts of providers, from the environment of the operator.

Called by the app, as the CredentialSource of a process with one set of keys. Invariant: a base URL comes from the
operator only; none that a user gave is accepted here. The secret is in no message.
"""

import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit
from uuid import UUID

from tegu.domain.errors import ConfigurationError
from tegu.llm.protocol import Credential
from tegu.llm.providers.registry import canonical_name
from tegu.llm.variables import VARIABLES, Variables

_IS_SECRET = re.compile("secret|token|password")
_OF_THE_MACHINE = frozenset({"login_file"})
"""Options that name something on the operator's machine: nobody else's to choose."""
_HOST_PART = re.compile(r"[A-Za-z0-9._-]+")
_IN_HOSTS = frozenset({"region", "location"})
"""Options that become part of a host: whoever could write more there would choose the host."""
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_SECRETS = frozenset({"secret_access_key"})


def variables_of(provider: str) -> tuple[str, ...]:
    """The environment variables of a provider: its keys, then its hosts, then its other settings."""
    found = VARIABLES.get(canonical_name(provider))
    return found.all_names() if found is not None else ()


def secrets_of(environment: Mapping[str, str]) -> frozenset[str]:
    """The values of all keys of providers that are set, and of what else must not be shown: what logs blot out."""
    names = {name for each in VARIABLES.values() for name in each.keys}
    options = {option for each in VARIABLES.values() for option in each.options}
    names.update(name for option in options if _IS_SECRET.search(option.name) for name in option.variables)
    return frozenset(value for name in names if (value := environment.get(name)))


class EnvironmentCredentials:
    """Implements CredentialSource: the same keys for every organization."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """`environment` instead of the process's own; it is read at each call."""
        # The process's own is not kept: it cannot be sent to a child process, which has its own copy anyway.
        self._given = environment

    async def credential(self, organization_id: UUID, provider: str) -> Credential:
        """Raises ConfigurationError naming the variable that is missing or wrong."""
        del organization_id  # one environment serves all
        return self._made(canonical_name(provider))

    def own(self, provider: str, api_key: str, options: Mapping[str, str]) -> Credential:
        """The credential of a key that is not in the environment, for the host that is set there, if one is.

        Raises ConfigurationError for what is no key or option of that provider, or not enough.
        """
        name = canonical_name(provider)
        variables = VARIABLES.get(name)
        if variables is None:
            raise ConfigurationError(f"provider {name!r} has no key")
        given = {
            option.name: option.variables[0]
            for option in variables.options
            if option.name not in _OF_THE_MACHINE
        }
        if unknown := sorted(options.keys() - given.keys()):
            raise ConfigurationError(
                f"{name!r} has no option {unknown[0][:60]!r}", hint=f"it has {', '.join(given) or 'none'}"
            )
        values = {given[option]: value for option, value in options.items()}
        if api_key:
            values[variables.keys[0]] = api_key
        if (url := self._first(variables.urls)) is not None:
            values[url[0]] = url[1]
        for option in _IN_HOSTS & options.keys():
            if not _REGION.fullmatch(options[option]):
                raise ConfigurationError(
                    f"{options[option][:60]!r} is no {option}", hint="lower-case letters, digits and hyphens"
                )
        if variables.ways and not api_key and not _SECRETS & options.keys():
            raise ConfigurationError(
                f"{name!r} needs a key of the organization's own",
                hint="what this machine signs in with is the operator's alone",
            )
        return EnvironmentCredentials(values)._made(name)  # noqa: SLF001 (of its own kind)

    def _made(self, name: str) -> Credential:
        variables = VARIABLES.get(name)
        if variables is None:  # rules: nothing to send, nowhere to send it
            return Credential()
        key = self._key(variables)
        options = self._options(variables)
        url = self._url(name, variables, options)
        self._check_ways(name, variables, key=key, url=url, options=options)
        return Credential(api_key=key, base_url=url, options=tuple(options.items()))

    def has_credential(self, provider: str) -> bool:
        """Whether a call could be made, for `tegu doctor` and `tegu models`."""
        variables = VARIABLES.get(canonical_name(provider))
        if variables is None:
            return True
        try:
            key, options = self._key(variables), self._options(variables)
            url = self._url(provider, variables, options)
            self._check_ways(provider, variables, key=key, url=url, options=options)
        except ConfigurationError:
            return False
        return True

    def _key(self, variables: Variables) -> str | None:
        found = self._first(variables.keys)
        if found is None:
            return None
        variable, key = found
        if not _is_sendable(key):
            raise ConfigurationError(
                f"{variable} holds characters that no key has",
                hint="copy the key again, without quotes or spaces",
            )
        return key

    def _options(self, variables: Variables) -> dict[str, str]:
        found: dict[str, str] = {}
        for option in variables.options:
            given = self._first(option.variables)
            if given is not None and not _is_sendable(given[1]) and option.name != "login_file":
                raise ConfigurationError(
                    f"{given[0]} holds characters that it cannot have", hint="set it without quotes or spaces"
                )
            value = given[1] if given is not None else option.default
            if value is not None:
                found[option.name] = value
        return found

    def _check_ways(
        self,
        provider: str,
        variables: Variables,
        *,
        key: str | None,
        url: str | None,
        options: dict[str, str],
    ) -> None:
        """Whether what is set is enough. A region is only needed to find a host."""
        have = {*options, *(["key"] if key else []), *(["region"] if url else [])}
        if not variables.ways or any(have.issuperset(way) for way in variables.ways):
            return
        names = {"key": variables.keys, **{option.name: option.variables for option in variables.options}}
        nearest = min(variables.ways, key=lambda way: (len(set(way) - have), -len(have.intersection(way))))
        missing = [names[part] for part in nearest if part not in have]
        wanted = " and ".join(" or ".join(each) for each in missing)
        what = "a key" if missing[0] == variables.keys else "more than what is set"
        raise ConfigurationError(
            f"provider {provider!r} needs {what} and {wanted} is not set", hint=f"export {missing[0][0]}=..."
        )

    def _url(self, provider: str, variables: Variables, options: dict[str, str]) -> str | None:
        found = self._first(variables.urls)
        if found is None:
            if variables.url_of is not None:
                return self._derived_url(provider, variables, variables.url_of, options)
            if variables.is_url_required:
                raise ConfigurationError(
                    f"provider {provider!r} needs a base URL and {' or '.join(variables.urls)} is not set",
                    hint=f"export {variables.urls[0]}={variables.example_url}",
                )
            return variables.default_url
        variable, url = found
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigurationError(
                f"{variable} is {url!r}, which is no http or https URL",
                hint=f"export {variable}={variables.example_url}",
            )
        return url.rstrip("/") + (variables.default_path if parts.path in {"", "/"} else "")

    def _derived_url(self, provider: str, variables: Variables, form: str, options: dict[str, str]) -> str:
        """The host that a region or an account names: by a name alone, so that it leads nowhere else."""
        (option,) = (option for option in variables.options if "{" + option.name + "}" in form)
        value = options.get(option.name)
        if value is None:
            raise ConfigurationError(
                f"provider {provider!r} needs a host and {' or '.join(option.variables)} is not set",
                hint=f"export {option.variables[0]}=..., or {variables.urls[0]}",
            )
        if not _HOST_PART.fullmatch(value):
            raise ConfigurationError(
                f"{option.variables[0]} is {value!r}, which is no name of a host",
                hint=f"to call another host set {variables.urls[0]}",
            )
        return form.format(**{option.name: value})

    def _first(self, names: tuple[str, ...]) -> tuple[str, str] | None:
        environment = os.environ if self._given is None else self._given
        values = ((name, environment.get(name, "").strip()) for name in names)
        return next((found for found in values if found[1]), None)


def _is_sendable(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
