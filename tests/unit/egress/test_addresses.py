"""Which URLs and addresses are asked, decided without asking anybody."""

from ipaddress import ip_address

import pytest

from tegu.domain.errors import ConfigurationError, EgressError
from tegu.egress.addresses import is_public
from tegu.egress.allowed import AllowList
from tegu.egress.guard import Guard


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.100.100.200", "127.0.0.1", "168.63.129.16", "169.254.169.254", "172.31.255.255",
        "192.0.0.192", "192.168.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1", "64:ff9b:1::1",
        "2002:7f00:1::", "2001:0:1::1", "2001:db8::1", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0",
        "fec0::1", "ff02::1", "100::1",
    ],
)  # fmt: skip
def test_what_is_nobodys_public_machine_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_what_is_on_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://example.com/x", "bad_url"),
        ("file:///etc/passwd", "bad_url"),
        ("//example.com", "bad_url"),
        ("http://", "bad_url"),
        ("http://[::1", "bad_url"),
        ("http://example.com:99999/", "bad_url"),
        ("http://user:pass@example.com/", "bad_url"),
        ("http://example.com@10.0.0.1/", "bad_url"),
        ("https://example.com/" + "x" * 2000, "bad_url"),
        ("http://exa\r\nmple.com/", "bad_url"),
        ("http://127.0.0.1/", "not_allowed"),
        ("http://[::ffff:127.0.0.1]/", "not_allowed"),
        ("http://[fe80::1]/", "not_allowed"),
        ("https://example.com:22/", "not_allowed"),
        ("https://example.com:25/", "not_allowed"),
    ],
)
def test_a_url_that_would_not_be_asked_is_refused_when_it_is_given(url: str, code: str) -> None:
    with pytest.raises(EgressError) as caught:
        Guard().check_url(url)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook?x=1",
        "http://example.com:8080/",
        "https://b\u00fccher.example/",
        "https://8.8.8.8/",
    ],
)
def test_a_url_that_may_be_asked_is_taken(url: str) -> None:
    assert Guard().check_url(url).host


def test_an_operator_allows_hosts_by_name_below_a_name_and_by_network() -> None:
    allowed = AllowList.parse("hooks.internal, *.svc.local; 10.1.0.0/16 fd00::/8 127.0.0.1")
    assert allowed.names("Hooks.Internal.")
    assert allowed.names("a.b.svc.local")
    assert not allowed.names("svc.local")
    assert not allowed.names("xhooks.internal")
    assert allowed.holds(ip_address("10.1.255.1"))
    assert allowed.holds(ip_address("::ffff:127.0.0.1"))
    assert not allowed.holds(ip_address("10.2.0.1"))
    assert AllowList.parse(None) == AllowList()


def test_an_entry_that_is_no_host_is_refused_with_an_example() -> None:
    with pytest.raises(ConfigurationError, match="no host and no network"):
        AllowList.parse("http://x")
