"""Whatever carries a key, a recording does not: not the header or parameter itself, and no echo of it elsewhere."""

import json
from pathlib import Path

import pytest

from tegu.testing.recorded.exchange import RecordedExchange, RecordedRequest, RecordedResponse
from tegu.testing.recorded.writing import clean, secrets_in, write_recording

KEY = "k3y/with+odd=signs&0123456789"
HEADERS = {
    "authorization": f"Bearer {KEY}",
    "proxy-authorization": f"Basic {KEY}",
    "x-api-key": KEY,
    "api-key": KEY,
    "x-goog-api-key": KEY,
    "ocp-apim-subscription-key": KEY,
    "x-amz-security-token": KEY,
    "x-auth-token": KEY,
    "x-client-secret": KEY,
    "cf-access-client-secret": KEY,
}
QUERIES = ("key", "api_key", "access_token", "subscription-key", "sig", "X-Amz-Signature", "code")


def written(headers: dict[str, str], uri: str, echo: str, path: Path) -> str:
    asked = RecordedRequest("POST", uri, headers, json.dumps({"model": "m", "echo": echo}).encode())
    said = RecordedResponse(401, {"content-type": "application/json"}, json.dumps({"error": echo}).encode())
    secrets = secrets_in(headers, uri)
    write_recording(path, [clean(RecordedExchange(asked, said), secrets)], {"p": uri}, secrets)
    return path.read_text("utf-8")


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_that_carries_a_key_leaves_an_echo(name: str, tmp_path: Path) -> None:
    text = written({name: HEADERS[name]}, "https://h/v1/x", f"wrong key {KEY}!", tmp_path / "a.yaml")
    assert KEY not in text
    assert name not in text
    assert text.count("wrong key ***!") == 2


@pytest.mark.parametrize("name", QUERIES)
def test_no_parameter_that_carries_a_key_leaves_an_echo(name: str, tmp_path: Path) -> None:
    quoted = "k3y%2Fwith%2Bodd%3Dsigns%260123456789"
    uri = f"https://h/{quoted}/v1/x?{name}={quoted}&alt=sse"
    text = written({}, uri, f"{KEY} and {quoted}", tmp_path / "a.yaml")
    assert KEY not in text
    assert quoted not in text
    assert "https://h/***/v1/x?alt=sse" in text


def test_the_pieces_of_a_signature_and_the_login_of_an_address_are_secrets(tmp_path: Path) -> None:
    signed = (
        "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE12345/20261125/us-east-1/bedrock/aws4_request, "
        "SignedHeaders=content-type;host, Signature=deadbeefdeadbeef"
    )
    headers = {"authorization": signed, "cookie": "a=1; sid=cookie-of-a-session"}
    echo = "AKIAEXAMPLE12345 deadbeefdeadbeef cookie-of-a-session pass-of-login"
    text = written(headers, "https://user:pass-of-login@h/v1/x", echo, tmp_path / "a.yaml")
    for secret in echo.split():
        assert secret not in text
    assert "content-type" in text
