"""HTML that is nested to do harm is read in time that grows with its length."""

import pytest

from tegu.intake.read_html import html_text
from tegu.intake.shallow_html import DEPTH_MAX, shallow


def test_what_people_write_stays_as_it_is() -> None:
    page = "<ul>" + "<li><p>one <b>two</b><br>" * 3000 + "</ul>" + "<div><p>x</div>" * 3000
    assert shallow(page) is page


def test_pictures_do_not_count_what_ends_itself() -> None:
    page = "<div><svg>" + '<path d="M0 0"/>' * 3000 + "</svg>" + "<div>a</div>" * 600 + "</div>"
    assert shallow(page) is page


def test_what_is_nested_too_deeply_loses_its_tags_and_no_text() -> None:
    depth = DEPTH_MAX + 50
    page = "".join(f"<div>{n} " for n in range(depth)) + "</div>" * depth + "<p>after"
    text, _, _ = html_text(page)
    assert text.split() == [*map(str, range(depth)), "after"]
    assert text.splitlines()[-1] == "after"


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        "<table><tr><td>",
        "<b><p>",
        "<ul><li>",
        "<button><p>",
        "<select><option>",
        "<font color=red>",
        "<a><p>",
    ],
)
def test_a_megabyte_of_nested_elements_is_read(piece: str) -> None:
    text, _, _ = html_text(piece * (1_000_000 // len(piece)) + "the end")
    assert text.endswith("the end")
