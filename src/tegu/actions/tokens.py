"""Secrets that let somebody in: made at random, stored as hashes.

Called by signing in and by the actions on keys and invitations. Invariant: every token has 256 random bits, so that a plain
hash of it is safe to store; a code has few, so it is hashed together with a token that is not stored.
"""

import re
import secrets
from hashlib import sha256

EMBED_FORM = re.compile(r"tegu_embed_[A-Za-z0-9_-]{43}")
KEY_FORM = re.compile(r"tegu_[a-z0-9]{8}_[A-Za-z0-9]{43}")
_LOWER = "abcdefghijklmnopqrstuvwxyz0123456789"
_LETTERS = _LOWER + _LOWER[:26].upper()
_TOKEN_LENGTH_MAX = 200
CODE_FORM = re.compile(r"\d{6}")


def new_token() -> str:
    """For a link, a session, an invitation."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """Six digits, to be typed on another device."""
    return f"{secrets.randbelow(1_000_000):06}"


def new_key() -> tuple[str, str]:
    """The prefix that people know a key by, and the whole of it."""
    prefix = "".join(secrets.choice(_LOWER) for _ in range(8))
    secret = "".join(secrets.choice(_LETTERS) for _ in range(43))
    return prefix, f"tegu_{prefix}_{secret}"


def new_embed_token() -> str:
    """For a page of a host application."""
    return f"tegu_embed_{new_token()}"


def hash_of(token: str) -> bytes:
    """What is stored of it, and found by."""
    return sha256(token[:_TOKEN_LENGTH_MAX].encode("utf-8", "replace")).digest()


def code_hash(flow: str, code: str) -> bytes:
    """What is stored of a code: nothing that could be tried out without the flow's token."""
    return sha256(f"{flow[:_TOKEN_LENGTH_MAX]}\n{code}".encode("utf-8", "replace")).digest()
