"""Secrets at rest: sealed with a key that is kept outside the database, and readable only in the place they were sealed for.

Called by storage for the keys of providers and the secrets of webhooks; made by the runtime from TEGU_SECRET_KEYS. Invariants: a
sealed text that is moved to another row, column or organization does not open; a secret is in no message and no repr.

    sealed    v1.KEY.BASE64     KEY names the key of the ring; BASE64 is salt (16), nonce (12), AES-256-GCM of the secret
    its key   HKDF-SHA256 of the ring's key, with the salt and the purpose
    bound to  the purpose, the organization, and what else the place names
"""

import json
import os
import re
import secrets
import tempfile
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from uuid import UUID

from tegu.domain.errors import ConfigurationError

KEY_BYTES = 32
_SALT_BYTES = 16
_NONCE_BYTES = 12
_FORM = "v1"
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_HOW = 'export TEGU_SECRET_KEYS="k1:$(head -c 32 /dev/urandom | base64)", and keep it: what it sealed opens with nothing else'


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where a secret belongs. `purpose` is the noun (`provider_key`); `parts` are what else must not change under it, as the
    provider and the host that it may be sent to.
    """

    purpose: str
    organization_id: UUID
    parts: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """Unambiguous: no two places are written the same."""
        return json.dumps([self.purpose, str(self.organization_id), *self.parts]).encode()


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key of the ring, and its name in what it sealed."""

    id: str
    key: bytes = field(repr=False)


class Keyring:
    """The first key seals, all of them open. A ring of a file looks there again for a key that it does not know."""

    def __init__(self, keys: Iterable[SecretKey], *, file: Path | None = None) -> None:
        self._file = file
        self._keys = {each.id: each for each in keys}

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `id:base64,id:base64`. Raises ConfigurationError, which quotes no key."""
        return cls(_parsed(text, "TEGU_SECRET_KEYS"))

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """Keys of a file, one a line. Raises ConfigurationError."""
        return cls(_read(path), file=path)

    @classmethod
    def kept_at(cls, path: Path) -> Self:
        """The same; a file that is not there is made with a new key, readable by its owner alone."""
        if not path.exists():
            with suppress(FileExistsError):  # another process was faster: its key is the one
                _write(path, [_new_key()], replaces=False)
        return cls.of_file(path)

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be sealed."""
        return not self._keys

    @property
    def file(self) -> Path | None:
        """Where the keys are kept, if we keep them."""
        return self._file

    @property
    def sealing_key_id(self) -> str:
        """The name of the key that seals. Raises ConfigurationError where there is none."""
        return self._first().id

    def seal(self, secret: str, place: SecretPlace) -> str:
        """The secret as it is stored. Raises ConfigurationError where there is no key."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        first, salt, nonce = (
            self._first(),
            secrets.token_bytes(_SALT_BYTES),
            secrets.token_bytes(_NONCE_BYTES),
        )
        closed = AESGCM(_derived(first, salt, place)).encrypt(nonce, secret.encode(), place.to_bytes())
        return f"{_FORM}.{first.id}.{urlsafe_b64encode(salt + nonce + closed).decode()}"

    def unseal(self, sealed: str, place: SecretPlace) -> str:
        """The secret. Raises ConfigurationError for one of another place, of a key that is not in the ring, or tampered with."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._key_of(sealed)
        try:
            raw = urlsafe_b64decode(sealed.partition(".")[2].partition(".")[2])
            salt, nonce = raw[:_SALT_BYTES], raw[_SALT_BYTES : _SALT_BYTES + _NONCE_BYTES]
            closed = raw[_SALT_BYTES + _NONCE_BYTES :]
            return AESGCM(_derived(key, salt, place)).decrypt(nonce, closed, place.to_bytes()).decode()
        except (InvalidTag, ValueError) as error:
            raise ConfigurationError(
                f"a stored {place.purpose} does not open with key {key.id!r}",
                code="secret_unreadable",
                hint="it was sealed for another place or by another key of that name: store it anew",
            ) from error

    def is_current(self, sealed: str) -> bool:
        """Whether the key that seals now has sealed it."""
        return sealed.split(".")[:2] == [_FORM, self.sealing_key_id]

    def add_key(self) -> None:
        """Make a key that seals from now on, and write it to the ring's file. Raises ConfigurationError where there is none."""
        if self._file is None:
            raise ConfigurationError(
                "the keys come from TEGU_SECRET_KEYS, which only you can change",
                hint="put a new `id:key` before the others there, restart, and rotate again without a new key",
            )
        made = [_new_key(), *_read(self._file)]
        _write(self._file, made, replaces=True)
        self._keys = {each.id: each for each in made}

    def _first(self) -> SecretKey:
        for first in self._keys.values():
            return first
        raise ConfigurationError("there is no key to seal secrets with", code="no_secret_key", hint=_HOW)

    def _key_of(self, sealed: str) -> SecretKey:
        form, _, rest = sealed.partition(".")
        key_id = rest.partition(".")[0]
        if form == _FORM and key_id not in self._keys and self._file is not None:
            self._keys = {each.id: each for each in _read(self._file)}
        found = self._keys.get(key_id)
        if form != _FORM or found is None:
            raise ConfigurationError(
                f"a stored secret was sealed with key {key_id!r}, which is not there",
                code="secret_unreadable",
                hint="add that key to TEGU_SECRET_KEYS, after the first",
            )
        return found


def _derived(key: SecretKey, salt: bytes, place: SecretPlace) -> bytes:
    """A key of its own for every secret, so that no nonce is ever used twice with one."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), KEY_BYTES, salt, f"tegu {place.purpose}".encode()).derive(key.key)


def _new_key() -> SecretKey:
    return SecretKey(f"k{secrets.token_hex(4)}", secrets.token_bytes(KEY_BYTES))


def _parsed(text: str, name: str) -> list[SecretKey]:
    found: list[SecretKey] = []
    for number, written in enumerate(filter(None, re.split(r"[,\s]+", text)), 1):
        key_id, colon, encoded = written.partition(":")
        try:
            key = urlsafe_b64decode(encoded.replace("+", "-").replace("/", "_") + "==")
        except ValueError:
            key = b""
        if not colon or not _KEY_ID.fullmatch(key_id) or len(key) != KEY_BYTES:
            raise ConfigurationError(
                f"key {number} of {name} is not `id:key`, where key is {KEY_BYTES} bytes in base64", hint=_HOW
            )
        if key_id in {each.id for each in found}:
            raise ConfigurationError(f"{name} has two keys {key_id!r}", hint="each needs a name of its own")
        found.append(SecretKey(key_id, key))
    return found


def _read(path: Path) -> list[SecretKey]:
    try:
        return _parsed(path.read_text("ascii"), str(path))
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"the keys of {path} cannot be read: {why}", hint=_HOW) from error


def _write(path: Path, keys: Iterable[SecretKey], *, replaces: bool) -> None:
    """Whole or not at all. Raises FileExistsError where it replaces nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".secret-keys-")  # made with 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.writelines(f"{each.id}:{urlsafe_b64encode(each.key).decode()}\n" for each in keys)
            file.flush()
            os.fsync(file.fileno())
        if replaces:
            Path(name).replace(path)
        else:
            path.hardlink_to(name)
    finally:
        Path(name).unlink(missing_ok=True)
