"""The one client for addresses that users give, asked over real sockets."""

import asyncio
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from receivers import Receiver, drip, flood, hang, receiving

from tegu.domain.errors import EgressError
from tegu.egress.allowed import AllowList
from tegu.egress.client import Answer, EgressClient, EgressLimits, EgressRequest
from tegu.egress.guard import Guard

LOCAL = AllowList.parse("127.0.0.1")
QUICK = EgressLimits(connect_s=1.0, read_s=0.5, total_s=1.0, answer_bytes_max=1000)


class Names:
    """A resolver whose answers change: each list in turn, the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def client(allowed: AllowList = LOCAL, names: Names | None = None) -> EgressClient:
    return EgressClient(Guard(allowed, resolve=names), limits=QUICK)


async def post(asking: EgressClient, url: str) -> Answer:
    return await asking.post(url, headers={"x-kind": "test"}, body=b"{}")


async def code(asking: EgressClient, url: str) -> str:
    with pytest.raises(EgressError) as caught:
        await post(asking, url)
    assert "127.0.0.1" not in caught.value.message or "127.0.0.1" in url
    return caught.value.code


async def test_what_is_allowed_is_asked_with_its_own_name_as_host() -> None:
    async with receiving() as receiver:
        answer = await post(client(names=Names(["127.0.0.1"])), receiver.url("/a?b=c", host="hooks.example"))
    assert (answer.status, answer.body) == (200, b"ok")
    (got,) = receiver.received
    assert (got.path, got.body, got.headers["x-kind"]) == ("/a?b=c", b"{}", "test")
    assert got.headers["host"] == f"hooks.example:{receiver.port}"


async def test_a_name_that_leads_to_a_private_address_is_not_asked() -> None:
    async with receiving() as receiver:
        for addresses in (
            ["127.0.0.1"],
            ["93.184.216.34", "127.0.0.1"],
            ["::ffff:127.0.0.1"],
            ["169.254.169.254"],
        ):
            refused = await code(client(AllowList(), Names(addresses)), receiver.url(host="evil.example"))
            assert refused == "not_allowed"
    assert receiver.received == []


async def test_a_name_is_looked_up_once_a_connection_and_what_was_checked_is_connected_to() -> None:
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    async with receiving() as receiver:
        assert (await post(client(names=names), receiver.url(host="rebinding.example"))).status == 200
        assert len(names.asked) == 1
        assert await code(client(names=names), receiver.url(host="rebinding.example")) == "not_allowed"
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "localhost."]
)
async def test_other_ways_to_write_this_machine_are_not_asked(host: str) -> None:
    async with receiving() as receiver:
        assert await code(client(AllowList()), receiver.url(host=host)) in {
            "not_allowed",
            "unresolved",
            "bad_url",
        }
    assert receiver.received == []


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with receiving() as inner, receiving() as receiver:
        receiver.answers, receiver.headers = [302], f"location: {inner.url()}\r\n"
        assert (await post(client(), receiver.url())).status == 302
    assert inner.received == []


async def test_a_redirect_that_may_be_followed_is_checked_as_the_first_address_was() -> None:
    async with receiving() as receiver:
        asking, asked = client(), EgressRequest("GET", receiver.url())
        receiver.answers, receiver.headers = [302, 200], "location: /elsewhere\r\n"
        assert (await asking.request(asked, redirects_max=3)).body == b"ok"
        assert [got.path for got in receiver.received] == ["/hook", "/elsewhere"]
        for location in ("http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "file:///etc/passwd"):
            receiver.answers, receiver.headers = [302], f"location: {location}\r\n"
            with pytest.raises(EgressError) as caught:
                await asking.request(asked, redirects_max=3)
            assert caught.value.code in {"not_allowed", "bad_url"}, location
        receiver.answers, receiver.headers = [302], "location: /round\r\n"
        before = len(receiver.received)
        assert (await asking.request(asked, redirects_max=3)).status == 302
        assert len(receiver.received) - before == 4


async def test_a_redirect_of_what_changes_something_is_not_followed_even_where_others_are() -> None:
    async with receiving() as receiver:
        receiver.answers, receiver.headers = [307], "location: /elsewhere\r\n"
        answer = await client().request(EgressRequest("POST", receiver.url(), body=b"{}"), redirects_max=3)
    assert (answer.status, len(receiver.received)) == (307, 1)


async def test_headers_for_one_host_go_to_no_other_that_it_redirects_to() -> None:
    async with receiving() as other, receiving() as receiver:
        receiver.answers, receiver.headers = [302], f"location: {other.url('/there')}\r\n"
        asked = EgressRequest("GET", receiver.url(), {"x-kind": "test"}, {"authorization": "Bearer secret"})
        assert (await client().request(asked, redirects_max=3)).status == 200
    assert receiver.received[0].headers["authorization"] == "Bearer secret"
    assert other.received[0].headers["x-kind"] == "test"
    assert "authorization" not in other.received[0].headers


async def test_a_receiver_that_hangs_drips_or_floods_costs_its_limit_and_no_more() -> None:
    async with (
        receiving(Receiver(behave=hang)) as hanging,
        receiving(Receiver(behave=drip)) as dripping,
        receiving(Receiver(behave=flood)) as flooding,
        asyncio.timeout(20),
    ):
        assert await code(client(), hanging.url()) == "timeout"
        assert await code(client(), dripping.url()) == "timeout"
        answer = await post(client(), flooding.url())
    assert (answer.is_cut, len(answer.body)) == (True, 1000)


async def test_what_is_no_http_and_what_is_not_there_are_errors_in_our_words() -> None:
    async def garbage(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 smtp ready\r\n")

    async with receiving(Receiver(behave=garbage)) as receiver:
        assert await code(client(), receiver.url()) == "unreachable"
    assert await code(client(), receiver.url()) == "unreachable"
    assert await code(client(names=Names([])), "http://nowhere.example/") == "unresolved"


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy, receiving() as receiver:
        monkeypatch.setenv("http_proxy", proxy.url(""))
        monkeypatch.setenv("ALL_PROXY", proxy.url(""))
        assert (await post(client(), receiver.url())).status == 200
    assert proxy.received == []


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Of hooks.example, and its key."""
    found = tmp_path / "cert", tmp_path / "key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=hooks.example",
         "-addext", "subjectAltName=DNS:hooks.example", "-out", found[0], "-keyout", found[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    return found


async def test_a_certificate_is_that_of_the_name_and_not_of_the_address(
    certificate: tuple[Path, Path],
) -> None:
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(*certificate)
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=serving)
    port = server.sockets[0].getsockname()[1]
    asking = EgressClient(Guard(LOCAL, resolve=Names(["127.0.0.1"])), limits=QUICK, tls=trusting)
    assert (await post(asking, f"https://hooks.example:{port}/")).status == 200
    assert await code(asking, f"https://other.example:{port}/") == "unreachable"
    assert await code(client(names=Names(["127.0.0.1"])), f"https://hooks.example:{port}/") == "unreachable"
    server.close()
    await receiver.close()
