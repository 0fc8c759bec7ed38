"""Identifiers: UUIDv7 made by the client, so that rows sort by age and no sequence tells how many there are."""

from uuid import UUID

from uuid_utils.compat import uuid7

SHORT_ID = r"^[0-9a-fA-F]{8}-?([0-9a-fA-F]{1,4}-?){0,6}$"
"""How an id may begin: eight hexadecimal digits or more. Ids of one minute have the first eight in common."""
_DIGITS = 32


def new_id() -> UUID:
    """A new UUIDv7."""
    return uuid7()


def ids_from(prefix: str) -> tuple[UUID, UUID]:
    """The least and the greatest id that begins so, which is as `SHORT_ID` says."""
    digits = prefix.replace("-", "")[:_DIGITS]
    return UUID(digits.ljust(_DIGITS, "0")), UUID(digits.ljust(_DIGITS, "f"))
