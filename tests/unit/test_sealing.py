"""Secrets at rest: what opens them, and what does not."""

import stat
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from tegu.actions.secrets import keyring_of
from tegu.domain.errors import ConfigurationError
from tegu.sealing import Keyring, SecretPlace
from tegu.settings import Settings

PLACE = SecretPlace("provider_key", UUID(int=1), ("openai", "https://api.openai.com"))
SECRET = "sk-of-nobody-0123456789"


def key(name: str, byte: int) -> str:
    return f"{name}:{b64encode(bytes([byte]) * 32).decode()}"


def test_what_is_sealed_opens_in_its_place_and_shows_nothing_of_itself() -> None:
    ring = Keyring.parse(key("k1", 1))
    sealed = ring.seal(SECRET, PLACE)
    assert ring.unseal(sealed, PLACE) == SECRET
    assert SECRET not in sealed
    assert sealed != ring.seal(SECRET, PLACE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, organization_id=UUID(int=2)),
        replace(PLACE, purpose="webhook_secret"),
        replace(PLACE, parts=("openai", "https://evil.example")),
        replace(PLACE, parts=("anthropic", "https://api.openai.com")),
        replace(PLACE, parts=("openaihttps://api.openai.com",)),
    ],
)
def test_what_is_moved_to_another_place_does_not_open(elsewhere: SecretPlace) -> None:
    ring = Keyring.parse(key("k1", 1))
    with pytest.raises(ConfigurationError) as refused:
        ring.unseal(ring.seal(SECRET, PLACE), elsewhere)
    assert refused.value.code == "secret_unreadable"
    assert SECRET not in str(refused.value)


def test_every_changed_byte_is_noticed() -> None:
    ring = Keyring.parse(key("k1", 1))
    form, name, body = ring.seal("short", PLACE).split(".")
    raw = urlsafe_b64decode(body)
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(ConfigurationError):
            ring.unseal(f"{form}.{name}.{urlsafe_b64encode(changed).decode()}", PLACE)


@pytest.mark.parametrize(
    "sealed", ["", "v1", "v1.k1", "v1.k1.", "v1.k1.AAAA", "v2.k1.AAAA", "v1.k1.é", "plain text"]
)
def test_what_was_never_sealed_does_not_open(sealed: str) -> None:
    with pytest.raises(ConfigurationError):
        Keyring.parse(key("k1", 1)).unseal(sealed, PLACE)


def test_the_first_key_seals_and_the_others_still_open() -> None:
    old = Keyring.parse(key("k1", 1)).seal(SECRET, PLACE)
    ring = Keyring.parse(f"{key('k2', 2)},{key('k1', 1)}")
    assert ring.unseal(old, PLACE) == SECRET
    assert not ring.is_current(old)
    assert ring.is_current(ring.seal(SECRET, PLACE))
    with pytest.raises(ConfigurationError, match="'k1', which is not there"):
        Keyring.parse(key("k2", 2)).unseal(old, PLACE)


@pytest.mark.parametrize(
    "text",
    ["k1", "k1:", "k1:c2hvcnQ=", ":AAAA", f"{key('k1', 1)},{key('k1', 2)}", f"k 1:{key('', 1)}", "k1:%%%"],
)
def test_a_ring_that_cannot_be_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Keyring.parse(text)
    assert "c2hvcnQ" not in str(refused.value)


def test_without_a_key_nothing_is_sealed_and_the_hint_says_how_to_get_one() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Keyring(()).seal(SECRET, PLACE)
    assert refused.value.code == "no_secret_key"
    assert "TEGU_SECRET_KEYS" in str(refused.value.hint)


def test_the_home_of_the_embedded_database_gets_a_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    sealed = keyring_of(settings).seal(SECRET, PLACE)
    file = tmp_path / "home" / "secret-keys"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["secret-keys"]
    assert keyring_of(settings).unseal(sealed, PLACE) == SECRET


def test_a_process_that_runs_learns_of_a_key_that_another_made(tmp_path: Path) -> None:
    file = tmp_path / "secret-keys"
    running, rotating = Keyring.kept_at(file), Keyring.kept_at(file)
    old = running.seal(SECRET, PLACE)
    rotating.add_key()
    new = rotating.seal(SECRET, PLACE)
    assert running.unseal(new, PLACE) == SECRET
    assert Keyring.of_file(file).unseal(old, PLACE) == SECRET


def test_keys_of_the_environment_are_not_made_up_and_not_shown(tmp_path: Path) -> None:
    text = key("k1", 1)
    settings = Settings.from_environment({"TEGU_SECRET_KEYS": text, "TEGU_HOME": str(tmp_path)})
    assert text.partition(":")[2] not in repr(settings)
    with pytest.raises(ConfigurationError, match="only you can change"):
        keyring_of(settings).add_key()
    assert keyring_of(Settings(home=tmp_path, database_url="postgresql://x/y")).is_empty
    assert not list(tmp_path.iterdir())
