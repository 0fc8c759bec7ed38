"""What a limit belongs to: a provider, the credential that is sent, and a model.

Called by the limiter. Invariant: nothing here can be turned back into the credential.
"""

import hashlib
import json
from dataclasses import dataclass

from tegu.llm.protocol import Credential, ModelRef

_LABEL_LENGTH = 8


@dataclass(frozen=True, slots=True)
class LimitPlace:
    """`key` is the hash of provider, host and secret: equal keys share their limits, whoever uses them."""

    key: str
    provider: str
    model: str

    @property
    def label(self) -> str:
        """The key as people see it."""
        return key_label(self.provider, self.key)

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}"


def key_label(provider: str, key: str) -> str:
    """A provider and the beginning of a hash."""
    return f"{provider} #{key[:_LABEL_LENGTH]}"


def place_of(model: ModelRef, credential: Credential) -> LimitPlace:
    """Where a call belongs."""
    sent = [model.provider, credential.base_url, credential.api_key, sorted(credential.options)]
    key = hashlib.sha256(b"tegu limits\0" + json.dumps(sent).encode()).hexdigest()
    return LimitPlace(key, model.provider, model.name)
