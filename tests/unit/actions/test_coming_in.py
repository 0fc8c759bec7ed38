"""What signing in decides without a database."""

from itertools import pairwise
from pathlib import Path

import pytest
from starlette.requests import Request

from tegu.actions.invitations import INVITATION_S
from tegu.actions.sign_in import CODE_TRIES_MAX, IDLE_S, LINK_S, SESSION_S
from tegu.actions.throttle import (
    BUCKETS,
    LINKS_BY_EMAIL,
    LINKS_BY_EMAIL_A_DAY,
    LINKS_BY_NETWORK,
    MAILS_BY_EMAIL_A_DAY,
    bucket_of,
    network_of,
)
from tegu.actions.tokens import CODE_FORM, KEY_FORM, code_hash, hash_of, new_code, new_key, new_token
from tegu.domain.actor import PERMISSIONS_OF, Role
from tegu.domain.email_address import checked_email
from tegu.domain.errors import ConfigurationError, ForbiddenError, UsageError
from tegu.egress.mail import Mail, Outbox, SmtpServer
from tegu.interfaces.http.cookies import name_of
from tegu.interfaces.http.same_origin import check_same_origin, origin_of
from tegu.settings import Settings


@pytest.mark.parametrize(
    "written",
    [
        "",
        "anna",
        "anna@",
        "@x",
        "a@b@c",
        "a b@c.example",
        "a\r\n@c.example",
        "<a@c.example>",
        "a" * 300 + "@x",
        "\ud800@x",
    ],
)
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(UsageError, match="no e-mail address"):
        checked_email(written)


def test_two_spellings_of_an_address_are_one() -> None:
    assert checked_email(" Anna.Lind@Example.COM ") == "anna.lind@example.com"
    assert checked_email("jürgen@bücher.example") == "jürgen@bücher.example"


def test_keys_have_their_form_and_no_two_are_the_same() -> None:
    keys = [new_key() for _ in range(50)]
    assert all(KEY_FORM.fullmatch(whole) and prefix in whole for prefix, whole in keys)
    assert len({whole for _, whole in keys}) == 50
    assert not KEY_FORM.fullmatch("tegu_" + "a" * 8 + "_" + "b" * 43 + "\n")


def test_a_code_is_worth_nothing_without_its_flow() -> None:
    flow, code = new_token(), new_code()
    assert CODE_FORM.fullmatch(code)
    assert code_hash(flow, code) != code_hash(new_token(), code)
    assert len(hash_of(flow)) == 32


def test_addresses_of_one_customer_share_their_tries() -> None:
    assert network_of("2001:db8:1:2:3::1") == network_of("2001:db8:1:2:ffff::9")
    assert network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("testclient") == "testclient"
    assert 0 <= bucket_of(LINKS_BY_EMAIL, "a") < BUCKETS
    assert bucket_of(LINKS_BY_EMAIL, "a") != bucket_of(LINKS_BY_NETWORK, "a")


@pytest.mark.parametrize(
    "url", ["http://tegu.example", "ftp://localhost", "localhost:8000", "https://", "https://x/?a=1"]
)
def test_an_address_that_no_cookie_is_sent_to_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="TEGU_BASE_URL"):
        Settings.from_environment({"TEGU_BASE_URL": url})


def test_the_cookie_is_bound_to_the_host_but_on_this_machine_over_plain_http() -> None:
    remote = Settings.from_environment({"TEGU_BASE_URL": "https://tegu.example/"}).sign_in
    local = Settings.from_environment({"TEGU_BASE_URL": "http://127.0.0.1:8000"}).sign_in
    assert (remote.url, name_of(remote), name_of(local)) == ("https://tegu.example", "__Host-tegu", "tegu")
    assert name_of(Settings.from_environment({}).sign_in) == "tegu"
    assert name_of(Settings.from_environment({"TEGU_BASE_URL": "https://localhost"}).sign_in) == "__Host-tegu"


def test_settings_of_a_provider_belong_together_and_show_no_secret() -> None:
    with pytest.raises(ConfigurationError, match="TEGU_OIDC_CLIENT_ID, TEGU_OIDC_CLIENT_SECRET"):
        Settings.from_environment({"TEGU_OIDC_ISSUER": "https://id.example"})
    given = {
        "TEGU_OIDC_ISSUER": "https://id.example/",
        "TEGU_OIDC_CLIENT_ID": "tegu",
        "TEGU_OIDC_CLIENT_SECRET": "pass-word",
        "TEGU_SMTP_URL": "smtps://u:pass-word@mail.example",
        "TEGU_OPERATORS": "Root@Example.com, ,b@example.com",
    }
    settings = Settings.from_environment(given)
    assert "pass-word" not in repr(settings)
    assert settings.sign_in.operators == {"root@example.com", "b@example.com"}


@pytest.mark.parametrize(
    ("url", "port", "use_tls", "start_tls"),
    [
        ("smtps://u:p%40ss@mail.example", 465, True, False),
        ("smtp://mail.example", 587, False, True),
        ("smtp://mail.example:25?tls=off", 25, False, False),
        ("smtp://localhost:1025", 1025, False, None),
    ],
)
def test_mails_go_encrypted_unless_the_operator_says_otherwise(
    url: str, port: int, use_tls: bool, start_tls: bool | None
) -> None:
    found = SmtpServer.parse(url).arguments
    assert (found["port"], found["use_tls"], found["start_tls"]) == (port, use_tls, start_tls)


@pytest.mark.parametrize(
    "url", ["u:pass-word@mail", "http://u:pass-word@mail", "smtp://", "smtp://u:pass-word@h:x"]
)
def test_what_is_no_mail_server_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SmtpServer.parse(url)
    assert "pass-word" not in str(caught.value)


def test_mails_that_nobody_sends_are_kept_up_to_a_number() -> None:
    outbox = Outbox(None, "Tegu <no-reply@localhost>")
    for number in range(60):
        outbox.post(Mail("a@example.com", str(number), ""))
    assert outbox.kept is not None
    assert [mail.subject for mail in outbox.kept][:1] == ["59"]
    assert len(outbox.kept) == 50


def asked(method: str, **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": method, "path": "/", "query_string": b"", "headers": raw})


def test_a_request_that_changes_something_comes_from_a_page_of_ours() -> None:
    base = "https://tegu.example/below"
    for good in (
        asked("GET", sec_fetch_site="cross-site"),
        asked("POST", sec_fetch_site="same-origin"),
        asked("POST", origin="https://tegu.example"),
    ):
        check_same_origin(good, base)
    for bad in (
        asked("POST"),
        asked("DELETE", sec_fetch_site="same-site", origin="https://tegu.example"),
        asked("POST", origin="http://tegu.example"),
        asked("POST", origin="null"),
        asked("QUERY", sec_fetch_site="cross-site"),
    ):
        with pytest.raises(ForbiddenError):
            check_same_origin(bad, base)
    assert origin_of("https://tegu.example:443/x") == "https://tegu.example"
    assert origin_of("http://[::1]:8000") == "http://[::1]:8000"


def test_a_lesser_role_may_nothing_that_a_higher_one_may_not() -> None:
    roles = sorted(Role, key=lambda role: role.rank)
    for lower, higher in pairwise(roles):
        assert PERMISSIONS_OF[lower] <= PERMISSIONS_OF[higher]
        assert higher.at_most(lower) is lower
        assert lower.at_most(higher) is lower


def test_the_page_of_who_comes_in_has_the_limits_that_hold() -> None:
    page = " ".join((Path(__file__).parents[3] / "docs" / "identity.md").read_text("utf-8").split())
    minutes, days = round(LINK_S / 60), round(SESSION_S / 86_400)
    for said in (
        f"good for {minutes} minutes, and once",
        (
            f"{LINKS_BY_EMAIL.tries_max} times in {round(LINKS_BY_EMAIL.window_s / 60)} minutes and"
            f" {LINKS_BY_EMAIL_A_DAY.tries_max} times a day for an address from one network,"
            f" {MAILS_BY_EMAIL_A_DAY.tries_max} times a day for an address from anywhere, and"
            f" {LINKS_BY_NETWORK.tries_max} times in {round(LINKS_BY_NETWORK.window_s / 60)} minutes from one network"
        ),
        f"ends after {days} days, or {round(IDLE_S / 86_400)} without use",
    ):
        assert said in page
    assert (CODE_TRIES_MAX, INVITATION_S) == (5, 7 * 86_400)  # "five times at most", "a week"
