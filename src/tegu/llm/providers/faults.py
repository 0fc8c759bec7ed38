"""The library's exceptions as ProviderError: which code, whether another attempt may pass, and when.

Called by `direct`. Invariant: no message holds the key, none is longer than MESSAGE_LENGTH_MAX.
"""

import sys
from typing import TYPE_CHECKING, Any, cast

from tegu.domain.errors import ProviderError
from tegu.llm.protocol import Credential, ModelRef
from tegu.llm.providers.http import Exchange

if TYPE_CHECKING:
    from pydantic_ai.exceptions import ModelAPIError

MESSAGE_LENGTH_MAX = 500
_TRANSIENT = frozenset({"rate_limited", "overloaded", "server", "connection", "timeout"})
_HINTS = {
    "authentication": "check the API key and that it may use this model",
    "quota": "add credit or raise the limit of the account at the provider",
    "unknown_model": "check the model's name and the base URL; `tegu models` lists known ones",
    "connection": "check the network and the base URL",
    "content_filter": "the provider's content filter stopped this; try another model",
}
_FILTER_CODES = frozenset({"content_filter", "content_policy_violation"})
_STATUS_CODES = {
    401: "authentication",
    403: "authentication",
    404: "unknown_model",
    408: "timeout",
    424: "server",  # Bedrock: the model failed
    429: "rate_limited",
    498: "overloaded",  # Groq: no capacity for requests of this tier
}


def fault_of(error: Exception, model: ModelRef, credential: Credential, exchanged: Exchange) -> ProviderError:
    """What happened, in our terms."""
    from pydantic_ai.exceptions import ContentFilterError, ModelAPIError, UserError

    from tegu.llm.providers.streams import BrokenStreamError

    if exchanged.problem is not None:
        code, said = "malformed", exchanged.problem
    elif isinstance(error, BrokenStreamError):
        code, said = "connection", str(error)
    elif isinstance(error, ContentFilterError):
        code, said = "content_filter", str(error)
    elif isinstance(error, ModelAPIError):
        code, said = _code(error, exchanged), _said(error)
    elif isinstance(error, UserError):
        code, said = "bad_request", str(error)
    elif (login := _login_fault(error)) is not None:
        code, said = login
    else:
        # The SDK or the library stumbled over a body that is no reply of this API.
        code, said = "server", f"the reply is not what this API promises ({type(error).__name__}: {error})"
    return ProviderError(
        f"{model}: {_safe(said, credential)}",
        code=code,
        transient=code in _TRANSIENT,
        hint=_hint(code, exchanged),
        retry_after_s=error.retry_after if isinstance(error, ModelAPIError) else None,
        status=exchanged.status,
    )


def _login_fault(error: BaseException | None) -> tuple[str, str] | None:
    """Google's login (a token for the request) has requests and failures of its own, before ours is sent."""
    library = sys.modules.get("google.auth.exceptions")
    while library is not None and error is not None:
        if isinstance(error, library.TransportError):
            return "connection", f"the login was not answered ({error})"
        if isinstance(error, library.GoogleAuthError):
            return "authentication", f"the login was refused ({error})"
        error = error.__cause__ or error.__context__
    return None


def _code(error: "ModelAPIError", exchanged: Exchange) -> str:
    from pydantic_ai import exceptions as library

    status = exchanged.status or 0
    if error.provider_error_code in _FILTER_CODES:
        return "content_filter"
    by_class: tuple[tuple[type[ModelAPIError], str], ...] = (
        (library.ModelQuotaExceededError, "quota"),
        (library.ModelRateLimitError, "rate_limited"),
        (library.ModelUnavailableError, "overloaded"),
        (library.ModelServerError, "server"),
        (library.ModelTimeoutError, "timeout"),
        (library.ModelRequestTimeout, "timeout"),
        (library.ModelConnectionError, "connection"),
        (library.ModelAuthenticationError, "authentication"),
        (library.ModelNotFoundError, "unknown_model"),
    )
    code = next((code for kind, code in by_class if isinstance(error, kind)), None)
    if code is not None:
        return code
    if status in _STATUS_CODES:
        return _STATUS_CODES[status]
    # A 2xx that the SDK could not read is the server's fault, like a 5xx; anything else was ours.
    return "server" if status >= 500 or 200 <= status < 300 else "bad_request"  # HTTP status classes


def _said(error: "ModelAPIError") -> str:
    """The provider's own sentence, where there is one, instead of the whole body."""
    body: object = error.body
    for _ in range(3):
        if isinstance(body, list) and body:
            body = cast("list[Any]", body)[0]
        elif isinstance(body, dict):
            fields = cast("dict[str, Any]", body)
            if isinstance(fields.get("message"), str):
                return str(fields["message"])
            body = fields.get("error")
    return error.message


def _safe(text: str, credential: Credential) -> str:
    if credential.api_key:
        text = text.replace(credential.api_key, "***")
    return text if len(text) <= MESSAGE_LENGTH_MAX else text[: MESSAGE_LENGTH_MAX - 1] + "…"


def _hint(code: str, exchanged: Exchange) -> str | None:
    if exchanged.status is not None and 300 <= exchanged.status < 400:  # HTTP redirects
        return "the base URL redirects, and a key is not sent along: set the base URL to where it leads"
    return _HINTS.get(code)
