"""Addresses of people, as far as they must be looked at: their form, and which of them are the same.

Called where an address enters. Invariant: two spellings that we take for one person are one string.
"""

import re

from tegu.domain.errors import UsageError
from tegu.domain.plain_text import is_unseen

LENGTH_MAX = 254
# No spaces, quotes, brackets or control characters: what is written into a header or a page needs no escaping.
_FORM = re.compile(r"[^\s@\"'<>(),:;\\\[\]\x00-\x1f\x7f]{1,64}@[A-Za-z0-9\u00a1-\uffff.-]{1,190}")


def checked_email(written: str) -> str:
    """The address in lower case. Raises UsageError for what is none."""
    email = written.strip().lower()
    if (
        len(email) > LENGTH_MAX
        or not _FORM.fullmatch(email)
        or not _is_encodable(email)
        or any(map(is_unseen, email))
    ):
        raise UsageError(f"{written[:80]!r} is no e-mail address", hint="name@example.com")
    return email


def _is_encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
