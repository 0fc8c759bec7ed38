"""What wakes a waiting stage is the same for the driver and for the two statements that decide it in SQL."""

import re

import pytest

from tegu.domain.outcome import WAKEABLE_CODES
from tegu.storage.statements import statement

_LISTED = re.compile(r"->> 'code' in \(([^)]*)\)")


@pytest.mark.parametrize("name", ["checkpoint", "load_stages"])
def test_a_statement_wakes_what_the_driver_wakes(name: str) -> None:
    (listed,) = _LISTED.findall(statement(name))
    assert set(re.findall(r"'(\w+)'", listed)) == WAKEABLE_CODES
