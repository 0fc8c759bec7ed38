"""An identity provider over real HTTP, which says what a test tells it to."""

import asyncio
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.responses import JSONResponse, RedirectResponse, Response

CLIENT_ID, CLIENT_SECRET = "tegu", "a secret of tegu"


@dataclass
class Issuer:
    """See the module. `claims` go over those that it says by itself."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict[str, Any])
    signs_with_another_key: bool = False
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    another: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def application(self) -> FastAPI:
        app = FastAPI()
        app.add_route("/.well-known/openid-configuration", self._metadata)
        app.add_route("/authorize", self._authorize)
        app.add_route("/token", self._token, methods=["POST"])
        app.add_route("/jwks", self._keys)
        return app

    async def _metadata(self, request: Request) -> Response:
        del request
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            }
        )

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(asked)
        return RedirectResponse(f"{asked['redirect_uri']}?code={len(self.asked) - 1}&state={asked['state']}")

    async def _token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        asked = self.asked[int(form["code"])]
        challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        is_right = challenge == asked["code_challenge"] and asked["code_challenge_method"] == "S256"
        if not is_right or "authorization" not in request.headers:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        said = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": "1",
            "iat": now,
            "exp": now + 60,
            "nonce": asked["nonce"],
            "email": "anna@example.com",
            "email_verified": True,
            **self.claims,
        }
        key = self.another if self.signs_with_another_key else self.key
        token = jwt.encode({"alg": "RS256", "kid": "one"}, said, key)
        return JSONResponse({"access_token": "of no use", "token_type": "Bearer", "id_token": token})

    async def _keys(self, request: Request) -> Response:
        del request
        return JSONResponse(KeySet([self.key]).as_dict(private=False))


@asynccontextmanager
async def issuing() -> AsyncGenerator[Issuer]:
    """An issuer that is asked at its URL."""
    issuer = Issuer()
    server = uvicorn.Server(uvicorn.Config(issuer.application(), port=0, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    issuer.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield issuer
    finally:
        server.should_exit = True
        await task
