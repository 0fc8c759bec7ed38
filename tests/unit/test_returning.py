"""Where somebody may be sent after signing in: to pages of the application, and nowhere else."""

import pytest

from tegu.interfaces.http.returning import LENGTH_MAX, place_of


@pytest.mark.parametrize(
    "asked",
    ["runs", "runs?q=status%3Afailed", "runs/01a2235b-5cfc-7457-b416-6b61ed2ceb39?stage=a", "settings/keys"],
)
def test_a_page_of_the_application_is_a_place_to_go_on_to(asked: str) -> None:
    assert place_of(asked) == asked


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "/runs",
        "//evil.example/runs",
        "https://evil.example/runs",
        "\\\\evil.example",
        "runs/../../evil",
        "runs/%2e%2e/auth/sign-out",
        "runs//evil.example",
        "runs/%2F%2Fevil.example",
        "runs/%5C%5Cevil.example",
        "runs\r\nset-cookie: a=b",
        "runs#part",
        "auth/sign-out",
        "api/runs",
        "javascript:alert(1)",
        "runs?q=" + "a" * LENGTH_MAX,
    ],
)
def test_whatever_else_is_asked_for_is_none(asked: str) -> None:
    assert place_of(asked) is None
