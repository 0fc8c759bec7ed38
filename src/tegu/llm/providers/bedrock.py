"""Amazon Bedrock's Converse API.

Called by the registry. Invariant: boto3 writes, signs and reads, but what it would send is sent by our HTTP client: one
request a call, no redirect, bodies within their limit, the timeout of the call as a whole. Neither the environment nor
the files of the AWS command line are read.

pydantic-ai runs boto3's blocking call in a thread (it has 40 of them, so no more calls are in flight at once in a
process); the thread hands the request to the event loop and waits for it.
"""

import asyncio
import os
import warnings
from collections.abc import Iterator, Mapping
from contextvars import copy_context
from functools import cache
from typing import TYPE_CHECKING, Any

from tegu.domain.errors import ConfigurationError
from tegu.llm.protocol import Credential
from tegu.llm.providers.clients import ModelMaker

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from tegu.llm.providers.http import BoundedClient

_BACKSTOP_S = 900.0
"""How long the thread waits at most for the event loop; the call's own timeout ends it before."""
_NOT_READ: Mapping[str, tuple[None, None, str | None, None]] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
    "ca_bundle": (None, None, None, None),
    "data_path": (None, None, None, None),
}


def converse(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """The Converse API: with a Bedrock API key, or signed with an access key."""
    from pydantic_ai.models.bedrock import BedrockConverseModel
    from pydantic_ai.providers.bedrock import BedrockProvider

    # The library passes no timeout to boto3, and warns at each call; `_wait` keeps it.
    warnings.filterwarnings("ignore", message="The `timeout` setting is not supported by model 'bedrock:")
    provider = BedrockProvider(bedrock_client=_client(credential, http))
    return lambda name: BedrockConverseModel(name, provider=provider)


def through_gateway(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """The same, behind the Pydantic AI Gateway."""
    from tegu.llm.providers.gateway import BEDROCK_REGION

    url = (credential.base_url or "http://localhost").rstrip("/") + "/bedrock"
    return converse(Credential(credential.api_key, url, (("region", BEDROCK_REGION),)), http)


def _client(credential: Credential, http: "BoundedClient") -> "BaseClient":
    from botocore import UNSIGNED
    from botocore.config import Config

    region = credential.option("region")
    if region is None:
        if credential.base_url is None:
            raise ConfigurationError("Bedrock needs a region", hint="export AWS_REGION=us-east-1")
        region = "us-east-1"  # names no host, where the host is given
    access_key_id = credential.option("access_key_id")
    api_key = None if access_key_id else credential.api_key
    session = _session()
    client: Any = session.create_client(
        "bedrock-runtime",
        region_name=region,
        endpoint_url=credential.base_url,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=credential.option("secret_access_key"),
        aws_session_token=credential.option("session_token"),
        config=Config(
            # boto3 refuses to send a key to a proxy without TLS; ours is the operator's choice, so we set the header.
            signature_version=UNSIGNED if api_key else "v4",
            retries={"total_max_attempts": 1, "mode": "standard"},
            ignore_configured_endpoint_urls=True,
            use_fips_endpoint=False,
            use_dualstack_endpoint=False,
        ),
    )
    client.meta.events.register("before-send.bedrock-runtime", _Sender(http, _running_loop(), api_key))
    return client


def _session() -> Any:
    """A session that knows what it is given, and looks nowhere else."""
    from botocore.session import Session

    class Given(Session):
        """No login of the machine is searched for, which would take seconds and find someone else's."""

        def get_auth_token(self, **_: Any) -> None:
            return None

        def get_credentials(self) -> None:
            return None

    session: Any = Given(session_vars=dict(_NOT_READ))  # botocore is not typed
    session.register_component("data_loader", _loader())
    return session


@cache
def _loader() -> Any:
    """The descriptions of the services, read once."""
    from botocore.loaders import Loader

    return Loader()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:  # a client made only to import what it needs
        return None


class _Sender:
    """Takes the place of boto3's own HTTP: called in its thread with a signed request."""

    def __init__(
        self, http: "BoundedClient", loop: asyncio.AbstractEventLoop | None, api_key: str | None
    ) -> None:
        self._http = http
        self._loop = loop
        self._login = [("authorization", f"Bearer {api_key}")] if api_key else []

    def __call__(self, request: Any, **_: Any) -> Any:
        import httpx2
        from botocore.awsrequest import AWSResponse
        from botocore.exceptions import EndpointConnectionError, HTTPClientError, ReadTimeoutError

        assert self._loop is not None
        sent = httpx2.Request(
            request.method,
            request.url,
            headers=[(name, _text(value)) for name, value in request.headers.items()] + self._login,
            content=request.body,
        )
        try:
            response = _wait(self._loop, self._http, sent)
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
        except httpx2.ConnectError as error:
            raise EndpointConnectionError(endpoint_url=request.url, error=error) from error
        except httpx2.TransportError as error:
            raise HTTPClientError(error=error) from error
        return AWSResponse(request.url, response.status_code, dict(response.headers), _Raw(response.content))


class _Raw:
    """A body that is there already, as boto3 reads bodies."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body


def _wait(loop: asyncio.AbstractEventLoop, http: "BoundedClient", request: Any) -> Any:
    """Send on the event loop, within the call's own context (its Exchange), and wait for the reply here."""
    from tegu.llm.providers.http import exchange

    noted = exchange.get()
    timeout_s = noted.timeout_s if noted is not None and noted.timeout_s is not None else _BACKSTOP_S

    async def send() -> Any:
        async with asyncio.timeout(timeout_s):
            return await http.send(request)

    future = copy_context().run(asyncio.run_coroutine_threadsafe, send(), loop)
    return future.result(timeout=_BACKSTOP_S)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
