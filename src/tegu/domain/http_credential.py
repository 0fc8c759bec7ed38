"""Credentials that stages send with their requests."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

CREDENTIALS_MAX = 100
"""Of an organization."""


@dataclass(frozen=True, slots=True)
class HttpCredential:
    """A secret of an organization that goes to one host (`api.example.com`, with its port where that is not the scheme's own),
    as the value of one header. The secret itself is never shown.
    """

    id: UUID
    name: str
    host: str
    header: str
    created_at: datetime
