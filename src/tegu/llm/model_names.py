"""Models as people write them: `provider:model`, an alias, or several of these with commas, asked in that order.

    anthropic:claude-sonnet-5-5                     one model
    fast                                            whatever the operator, or the table of defaults, has it stand for
    anthropic:claude-sonnet-5-5, openai:gpt-6.1-sol the second is asked when the first cannot answer

Called by everything that reads a model's name: documents, runs, stages, commands. Invariants: what is written is kept
as it is written, and read anew where it is used, so that an alias can change its meaning; no chain is longer than
MODELS_MAX; an alias that leads to itself is refused when it is made.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from difflib import get_close_matches
from uuid import UUID

from tegu.domain.errors import ConfigurationError
from tegu.llm.credentials import variables_of
from tegu.llm.default_models import DEFAULT_MODELS
from tegu.llm.protocol import CredentialSource, ModelRef
from tegu.llm.providers.registry import PROVIDER_NAMES, canonical_name

MODELS_MAX = 8
"""Models of one chain: each may use up its share of a stage's time."""
WRITTEN_LENGTH_MAX = 1000
ALIASES_MAX = 100
_ALIAS = re.compile(r"[a-z][a-z0-9_]{0,62}")
_RULES = "rules"

HasKey = Callable[[str], Awaitable[bool]]
"""Whether a provider can be called."""


def parse_written(text: str) -> tuple[ModelRef | str, ...]:
    """The models and aliases (as text) that are written. Raises ConfigurationError; whether an alias exists is not asked."""
    if len(text) > WRITTEN_LENGTH_MAX:
        raise ConfigurationError(
            f"model {text[:60]!r}... has {len(text)} characters; at most {WRITTEN_LENGTH_MAX} are read",
            hint="give a long chain an alias",
        )
    pieces = [piece.strip() for piece in text.split(",")]
    if len(pieces) > 1 and not all(pieces):
        raise ConfigurationError(
            f"model {text!r} names nothing between two commas", hint="write model, model"
        )
    _check_length(len(pieces), text)
    return tuple(piece if _is_alias(piece) else ModelRef.parse(piece) for piece in pieces)


def has_key(credentials: CredentialSource, organization_id: UUID) -> HasKey:
    """Whether an organization can call a provider, as far as its credentials say."""

    async def is_callable(provider: str) -> bool:
        try:
            await credentials.credential(organization_id, provider)
        except ConfigurationError:
            return False
        return True

    return is_callable


class ModelNames:
    """The aliases of one process, and what a written model stands for."""

    def __init__(self, aliases: Mapping[str, str] | None = None) -> None:
        """`aliases` are the operator's: name -> models as written. Raises ConfigurationError for what cannot be."""
        self._aliases = dict(aliases or {})
        if len(self._aliases) > ALIASES_MAX:
            raise ConfigurationError(f"there are {len(self._aliases)} model aliases; at most {ALIASES_MAX}")
        for name in self._aliases:
            if not _is_alias(name):
                raise ConfigurationError(
                    f"{name!r} cannot be a model alias",
                    hint="small letters, digits and _, beginning with a letter; `rules` is a provider",
                )
        for name, written in self._aliases.items():
            try:
                self.check(name)
            except ConfigurationError as error:
                raise ConfigurationError(
                    f"model alias {name!r} is {written[:120]!r}: {error.message}", hint=error.hint
                ) from error

    @property
    def names(self) -> tuple[str, ...]:
        """The aliases that there are, those that always are first."""
        return tuple(dict.fromkeys((*DEFAULT_MODELS, *self._aliases)))

    def written(self, alias: str) -> str | None:
        """What the operator wrote for an alias; None where the table of defaults decides."""
        return self._aliases.get(alias)

    def check(self, text: str) -> None:
        """Raises ConfigurationError for an alias or provider that does not exist, a circle, or too many models."""
        models = [item for item in self._expanded(text) if isinstance(item, ModelRef)]
        for ref in models:
            canonical_name(ref.provider)
        _check_length(len(models), text)

    async def resolve(self, text: str, can_call: HasKey) -> tuple[ModelRef, ...]:
        """The models to ask, in order, each once. Of the table of defaults only those that can be called.

        Raises ConfigurationError, also where an alias stands for nothing that can be called from here.
        """
        found: dict[ModelRef, None] = {}
        for item in self._expanded(text):
            if isinstance(item, ModelRef):
                found[item] = None
                continue
            for ref in DEFAULT_MODELS[item]:
                if ref.provider in PROVIDER_NAMES and await can_call(ref.provider):
                    found[ref] = None
        if not found:
            raise _no_key(text)
        _check_length(len(found), text)
        return tuple(found)

    def _expanded(self, text: str) -> tuple[ModelRef | str, ...]:
        """Models, and the names of those aliases that the table of defaults has, each once, in order."""
        found: dict[ModelRef | str, None] = {}
        self._expand(text, (), set(), found)
        return tuple(found)

    def _expand(
        self, text: str, inside: tuple[str, ...], done: set[str], found: dict[ModelRef | str, None]
    ) -> None:
        for piece in parse_written(text):
            if isinstance(piece, ModelRef):
                found[piece] = None
            elif piece in done:  # what it stands for is in the chain already
                continue
            elif piece in inside:
                circle = " -> ".join((*inside[inside.index(piece) :], piece))
                raise ConfigurationError(
                    f"model alias {piece!r} leads to itself: {circle}", hint="name a provider:model in it"
                )
            elif (written := self._aliases.get(piece)) is not None:
                self._expand(written, (*inside, piece), done, found)
                done.add(piece)
            elif piece in DEFAULT_MODELS:
                found[piece] = None
            else:
                raise self._unknown(piece)

    def _unknown(self, name: str) -> ConfigurationError:
        near = get_close_matches(name, self.names, n=1)
        meant = f" (did you mean {near[0]!r}?)" if near else ""
        return ConfigurationError(
            f"there is no model alias {name!r}{meant}",
            hint=f"aliases: {', '.join(self.names)}; or write provider:model, or set TEGU_MODEL_{name.upper()}",
        )


def _is_alias(text: str) -> bool:
    return _ALIAS.fullmatch(text) is not None and text != _RULES


def _check_length(count: int, text: str) -> None:
    if count > MODELS_MAX:
        raise ConfigurationError(
            f"{text[:120]!r} stands for {count} models; at most {MODELS_MAX} are asked in turn",
            hint="name fewer",
        )


def _no_key(text: str) -> ConfigurationError:
    providers = dict.fromkeys(ref.provider for models in DEFAULT_MODELS.values() for ref in models)
    keys = [variables_of(provider)[0] for provider in providers if provider in PROVIDER_NAMES]
    return ConfigurationError(
        f"model {text!r} stands for no model that can be called from here: no provider has a key",
        code="no_model",
        hint=f"export {' or '.join(keys)}, or set TEGU_MODEL_{text.upper() if _is_alias(text) else 'FAST'}",
    )
