"""The pages of signing in look as the application does, and lead nowhere else."""

import re
from pathlib import Path

from tegu.interfaces.http.pages import page, shown

TOKENS = Path(__file__).parents[2] / "ui" / "src" / "design" / "tokens.css"


def colors(style: str) -> dict[str, str]:
    """Every colour by its name."""
    found = re.findall(r"--([a-z-]+):\s*light-dark\((#\w+),\s*(#\w+)\)", style)
    return {name: f"{light} {dark}" for name, light, dark in found}


def test_their_colors_are_those_of_the_application() -> None:
    body = page("Sign in").body
    theirs, ours = colors(bytes(body).decode()), colors(TOKENS.read_text("utf-8"))
    assert theirs
    assert {name: ours.get(name) for name in theirs} == theirs


def test_a_mail_leads_to_the_service_alone() -> None:
    text = "https://tegu.example/auth/link?token=a-b_c <b> https://evil.example/x"
    written = shown(text, ours="https://tegu.example")
    assert 'href="https://tegu.example/auth/link?token=a-b_c"' in written
    assert written.count("<a ") == 1
    assert "&lt;b&gt;" in written
