"""Signing in by an identity provider: OpenID Connect, the code flow with PKCE, state and nonce.

    GET oidc            to the provider, with what must come back in a cookie of ten minutes
    GET oidc/callback   back from it: a session, for a verified address that has a user here

Called by `sign_in`. Invariant: what the provider says counts only if it is signed by it, for us, for this very request, and
says that the address is verified; whoever it knows and nobody here does is no member by that.
"""

import hmac
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tegu.actions import sign_in
from tegu.actions.machinery import Machinery
from tegu.actions.sign_in import SignedIn, Visitor
from tegu.actions.tokens import new_token
from tegu.domain.errors import ConfigurationError, ProviderError, UnauthenticatedError
from tegu.settings import OidcSettings, SignInSettings

_FLOW_S = 600
_TIMEOUT_S = 10.0
_SIGNATURES = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)


class Oidc:
    """See the module."""

    def __init__(self, machinery: Machinery, provider: OidcSettings) -> None:
        self._machinery = machinery
        self._settings: SignInSettings = machinery.settings.sign_in
        self._provider = provider
        self._client: Any = None

    async def leave(self) -> Response:
        """To the provider. Raises ProviderError, ConfigurationError."""
        client = await self._ready()
        nonce, state = new_token(), new_token()
        made = await client.create_authorization_url(self._callback, nonce=nonce, state=state)
        away = RedirectResponse(made["url"], 303)
        away.set_cookie(
            self._cookie,
            f"{state}.{nonce}.{made['code_verifier']}",
            max_age=_FLOW_S,
            path="/",
            secure=not self._settings.is_local,
            httponly=True,
            samesite="lax",  # it comes back with a navigation from the provider's site
        )
        return away

    async def come_back(self, request: Request, visitor: Visitor) -> SignedIn:
        """From the provider. Raises UnauthenticatedError, ProviderError."""
        await sign_in.count_token(self._machinery, visitor)
        state, _, rest = request.cookies.get(self._cookie, "").partition(".")
        nonce, _, verifier = rest.partition(".")
        told, code = request.query_params.get("state", ""), request.query_params.get("code", "")
        if not (state and nonce and verifier and code and hmac.compare_digest(state.encode(), told.encode())):
            raise UnauthenticatedError(
                "the provider did not let you in, or it took too long",
                hint="begin again from the sign-in page",
            )
        claims = await self._claims(code, verifier, nonce)
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") is not True:
            raise UnauthenticatedError(
                "the provider does not say that your address is verified",
                hint="verify it there, or sign in by mail",
            )
        return await sign_in.sign_in_by_email(self._machinery, email, visitor, how="oidc")

    def forget(self, response: Response) -> None:
        """The flow is over."""
        response.delete_cookie(self._cookie, path="/", secure=not self._settings.is_local, httponly=True)

    @property
    def _cookie(self) -> str:
        return "tegu-oidc" if self._settings.is_local else "__Host-tegu-oidc"

    @property
    def _callback(self) -> str:
        return f"{self._settings.url}/auth/oidc/callback"

    async def _claims(self, code: str, verifier: str, nonce: str) -> dict[str, Any]:
        """What the provider says of who has the code."""
        from authlib.common.errors import AuthlibBaseError
        from joserfc.errors import JoseError

        client = await self._ready()
        expected = {
            "iss": {"essential": True, "values": [self._provider.issuer, f"{self._provider.issuer}/"]},
            "aud": {"essential": True, "values": [self._provider.client_id]},
        }
        try:
            token = await client.fetch_access_token(
                code=code, redirect_uri=self._callback, code_verifier=verifier
            )
            claims = await client.parse_id_token(token, nonce=nonce, claims_options=expected)
        except (AuthlibBaseError, JoseError) as error:
            raise UnauthenticatedError(
                "the provider's answer cannot be used", hint="begin again from the sign-in page"
            ) from error
        except Exception as error:
            raise _unreachable(error) from error
        return dict(claims or {})

    async def _ready(self) -> Any:
        """The client, which has read what the provider says of itself."""
        if self._client is None:
            client = self._made()
            try:
                metadata = await client.load_server_metadata()
            except Exception as error:
                raise _unreachable(error) from error
            if str(metadata.get("issuer", "")).rstrip("/") != self._provider.issuer:
                raise ConfigurationError(
                    f"TEGU_OIDC_ISSUER is {self._provider.issuer!r}, and calls itself {metadata.get('issuer')!r}"
                )
            offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
            metadata["id_token_signing_alg_values_supported"] = sorted(_SIGNATURES & set(offered))
            self._client = client
        return self._client

    def _made(self) -> Any:
        try:
            from authlib.integrations.starlette_client import OAuth
        except ImportError as error:
            raise ConfigurationError(
                "TEGU_OIDC_ISSUER needs an extra that is not installed", hint="pip install 'tegu[oidc]'"
            ) from error
        registry: Any = OAuth()
        registry.register(
            "oidc",
            server_metadata_url=f"{self._provider.issuer}/.well-known/openid-configuration",
            client_id=self._provider.client_id,
            client_secret=self._provider.client_secret,
            client_kwargs={
                "scope": "openid email",
                "code_challenge_method": "S256",
                "timeout": _TIMEOUT_S,
            },
        )
        return registry.create_client("oidc")


def _unreachable(error: Exception) -> ProviderError:
    return ProviderError(
        f"the identity provider did not answer: {type(error).__name__}",
        code="connection",
        transient=True,
        hint="try again, or sign in by mail",
    )
