"""Identifiers: UUIDv7 made by the client, so that rows sort by age and no sequence tells how many there are."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new UUIDv7."""
    return uuid7()
