"""From an address of a person to a key, by the code that the service mails: for people who have no key yet.

Called by `tegu login`. Invariant: the session that the code begins is ended again; what is left is a key with a name, which its
owner sees in the list of keys and can revoke.
"""

from collections.abc import Callable

import httpx
from pydantic_core import from_json

from tegu.client.failures import error_of
from tegu.domain.errors import TeguError, UnreachableError

KEY_DAYS = 90
_TIMEOUT_S = 30.0


async def key_by_code(url: str, email: str, ask_code: Callable[[], str], name: str) -> str:
    """Have a code mailed, ask for it, and make a key of this name. Raises UnauthenticatedError for a wrong code, ForbiddenError
    for who may not make keys.
    """
    headers = {"accept": "application/json", "sec-fetch-site": "same-origin"}  # no other site's page asks
    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False
    ) as http:
        flow = await _told(http, "/auth/sign-in", {"email": email}, "flow")
        await _told(http, "/auth/code", {"flow": flow, "code": ask_code()})
        try:
            return await _told(http, "/api/keys", {"name": name, "expires_in_days": KEY_DAYS}, "secret")
        finally:
            await _told(http, "/auth/sign-out", {})


async def _told(http: httpx.AsyncClient, path: str, said: dict[str, str | int], wanted: str = "") -> str:
    """One text of the answer. Raises what the service raised."""
    try:
        answer = await http.post(path, json=said)
    except httpx.TransportError as error:
        raise UnreachableError(f"{http.base_url} does not answer: {error}") from error
    if not answer.is_success:
        raise error_of(answer.status_code, answer.headers, answer.content)
    try:
        found: object = from_json(answer.content).get(wanted, "")
    except (ValueError, AttributeError):
        found = None
    if not isinstance(found, str):
        raise TeguError(f"{path} answered with something else than expected", code="unexpected_answer")
    return found
