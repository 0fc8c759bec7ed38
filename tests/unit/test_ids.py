import re
from uuid import UUID

from hypothesis import given, strategies

from tegu.domain.ids import SHORT_ID, ids_from, new_id


@given(strategies.uuids(), strategies.integers(8, 36))
def test_an_id_is_within_what_begins_like_it(known: UUID, length: int) -> None:
    prefix = str(known)[:length]
    assert re.match(SHORT_ID, prefix)
    low, high = ids_from(prefix)
    assert low <= known <= high
    assert str(low).startswith(prefix.rstrip("-"))
    assert str(high).startswith(prefix.rstrip("-"))


def test_a_whole_id_is_only_itself_however_it_is_written() -> None:
    known = new_id()
    assert ids_from(str(known)) == ids_from(known.hex.upper()) == (known, known)


def test_what_is_too_short_or_no_hexadecimal_begins_no_id() -> None:
    assert not any(re.match(SHORT_ID, text) for text in ("", "0198", "0198zzzz", "0198abc-", "' or 1=1 --"))
