"""What was tried from outside and let through once: each stays refused."""

from typing import Any, cast

import pytest

from tegu.actions.policy import OF_THE_WHOLE, decide
from tegu.actions.ranks import check_lets_in
from tegu.actions.scope import Scope
from tegu.domain.actor import Actor, ActorKind, Permission, Role
from tegu.domain.errors import ConfigurationError, ForbiddenError, UsageError
from tegu.domain.ids import new_id
from tegu.interfaces.http.reading import checked_json
from tegu.llm.credentials import EnvironmentCredentials


def key(**restricted: Any) -> Actor:
    return Actor(new_id(), ActorKind.KEY, Role.OWNER, id=new_id(), **restricted)


@pytest.mark.parametrize("permission", sorted(OF_THE_WHOLE))
def test_an_owners_key_for_some_pipelines_does_nothing_to_the_whole(permission: Permission) -> None:
    assert decide(key(), permission).is_allowed
    assert not decide(key(pipelines=frozenset({"invoices"})), permission).is_allowed


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.EDITOR, Role.VIEWER])
def test_a_key_with_one_scope_lets_nobody_in_who_may_more(role: Role) -> None:
    class OnItsBehalf:
        actor = key(scopes=frozenset({Permission.MEMBERS_WRITE}))

    with pytest.raises(ForbiddenError, match="lets nobody in"):
        check_lets_in(cast("Scope", OnItsBehalf), role)


def test_an_organization_does_not_sign_in_as_the_machine() -> None:
    machine = EnvironmentCredentials({"GOOGLE_APPLICATION_CREDENTIALS": "/etc/login.json"})
    with pytest.raises(ConfigurationError, match="a key of the organization's own"):
        machine.own("google-cloud", "", {"project": "p"})


@pytest.mark.parametrize("location", ["127.0.0.1:9998/x#", "evil.example/", "a@b", "", "x" * 41])
def test_a_region_is_no_place_to_write_a_host(location: str) -> None:
    with pytest.raises(ConfigurationError, match="is no location"):
        EnvironmentCredentials({}).own("google-cloud", "k" * 20, {"location": location})


@pytest.mark.parametrize("bomb", [b"[" + b"[]," * 100_000 + b"[]]", b"[" + b"1," * 300_000 + b"1]"])
def test_json_of_too_many_parts_is_refused_before_it_is_parsed(bomb: bytes) -> None:
    with pytest.raises(UsageError, match="too many parts"):
        checked_json(bomb)
