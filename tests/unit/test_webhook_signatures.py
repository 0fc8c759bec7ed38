"""What a receiver verifies: the signature, the body, the time."""

import json

import pytest

from tegu.domain.errors import SignatureError, UsageError
from tegu.webhooks import new_secret, signed_headers, verify

BODY = b'{"event_type":"ping","data":{"success":true}}'
NOW = 1_731_705_121


def test_a_signature_is_that_of_the_specification() -> None:
    # The example of Standard Webhooks.
    headers = signed_headers("msg_loFOjxBNrRLzqYUf", BODY, ["whsec_plJ3nmyCDGBKInavdOK15jsl"], timestamp=NOW)
    assert headers["webhook-signature"] == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


def test_what_was_signed_verifies_with_any_case_of_header_names_and_as_text() -> None:
    secret = new_secret()
    headers = {name.title(): value for name, value in signed_headers("1", BODY, [secret]).items()}
    assert verify(BODY, headers, secret) == json.loads(BODY)
    assert verify(BODY.decode(), headers, [new_secret(), secret])["event_type"] == "ping"


def test_both_secrets_are_good_while_one_is_rotated() -> None:
    old, new = new_secret(), new_secret()
    headers = signed_headers("1", BODY, [new, old])
    assert verify(BODY, headers, old) == verify(BODY, headers, new)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("webhook-id", "2"),
        ("webhook-timestamp", str(NOW + 1)),
        ("webhook-timestamp", "yesterday"),
        ("webhook-timestamp", "9" * 30),
        ("webhook-signature", "v1,"),
        ("webhook-signature", "v1,\u00e4"),
        ("webhook-signature", "v2," + "A" * 44),
        ("webhook-signature", ""),
    ],
)
def test_what_was_changed_on_its_way_does_not_verify(header: str, value: str) -> None:
    secret = new_secret()
    headers = signed_headers("1", BODY, [secret], timestamp=NOW)
    assert verify(BODY, headers, secret, now=NOW)
    with pytest.raises(SignatureError):
        verify(BODY, headers | {header: value}, secret, now=NOW)


def test_another_body_another_secret_and_an_old_one_do_not_verify() -> None:
    secret = new_secret()
    headers = signed_headers("1", BODY, [secret], timestamp=NOW)
    with pytest.raises(SignatureError, match="not signed with this secret"):
        verify(BODY + b" ", headers, secret, now=NOW)
    with pytest.raises(SignatureError, match="not signed with this secret"):
        verify(BODY, headers, new_secret(), now=NOW)
    for now in (NOW + 301, NOW - 301):
        with pytest.raises(SignatureError, match="more than 300 s ago"):
            verify(BODY, headers, secret, now=now)
    with pytest.raises(UsageError, match="whsec_"):
        verify(BODY, headers, "not base64!", now=NOW)
