"""What was tried from outside and let through once: each stays refused."""

import asyncio
from threading import Event, get_ident
from typing import Any, cast

import pytest

from tegu.actions.apart import apart
from tegu.actions.policy import OF_THE_WHOLE, decide
from tegu.actions.ranks import check_lets_in
from tegu.actions.scope import Scope
from tegu.actions.sign_in_mails import invitation_mail
from tegu.actions.throttle import site_of
from tegu.domain.actor import Actor, ActorKind, Permission, Role
from tegu.domain.email_address import checked_email
from tegu.domain.errors import ConfigurationError, ForbiddenError, UsageError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.interfaces.http.reading import checked_json
from tegu.llm.credentials import EnvironmentCredentials
from tegu.pipeline import check
from tegu.pipeline.document import load
from tegu.pipeline.report import PROBLEMS_MAX
from tegu.turns import Asker, on_behalf


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


def test_a_name_of_before_breaks_no_line_of_a_mail() -> None:
    mail = invitation_mail(
        "https://x", "a@b.example", "t", "Evil\n\nhttps://phish\u202e", "Eve\r\nBcc: x", 60
    )
    assert mail.subject == "Invitation to Evil  https://phish  on Tegu"
    assert mail.text.startswith("Eve  Bcc: x invites you to work with Evil  https://phish  on Tegu.")


@pytest.mark.parametrize("email", ["owner\u200b@a.example", "\u202eowner@a.example"])
def test_an_address_hides_nothing(email: str) -> None:
    with pytest.raises(UsageError):
        checked_email(email)


def test_many_networks_of_one_customer_share_their_tries() -> None:
    assert {site_of(f"2001:db8:1:{n:x}::1") for n in range(50)} == {"2001:db8:1::/48"}
    assert site_of("192.0.2.7") == "192.0.2.7"


async def test_a_document_is_checked_beside_the_event_loop_and_beside_those_of_others() -> None:
    free, others = Event(), Asker(new_id())

    async def held() -> int:
        with on_behalf(Asker(new_id())):
            return await apart(lambda: free.wait(30) and get_ident())

    ours = asyncio.create_task(held())
    with on_behalf(others):
        theirs = await apart(get_ident)
    free.set()
    assert get_ident() not in {theirs, await ours}


def test_a_document_of_unknown_keys_costs_no_more_than_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def did_you_mean(word: str, _: object) -> None:
        asked.append(word)

    monkeypatch.setattr(check, "did_you_mean", did_you_mean)
    found = check.examine(load("".join(f"k{n}: 1\n" for n in range(20_000))))
    assert (len(found.problems), len(asked)) == (PROBLEMS_MAX, PROBLEMS_MAX + 1)


def test_a_document_of_too_many_edges_is_refused_before_they_are_followed() -> None:
    stages: JsonObject = {
        f"s{n}": {"uses": "summarize", "inputs": [f"s{m}" for m in range(max(0, n - 40), n)] or ["source"]}
        for n in range(1000)
    }
    (problem,) = check.examine({"tegu": 1, "name": "x", "stages": stages}).problems
    assert problem.message == "the stages have 39181 inputs and needs; at most 10000 are allowed"
