"""Gemini on Google Cloud (Vertex AI).

Called by the registry. Invariant: key, project, location and the file of a login are the credential's. Where there is
neither key nor file, Google's own library looks for the login of the machine, which is then what the operator chose.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json

from tegu.domain.errors import ConfigurationError
from tegu.llm.protocol import Credential
from tegu.llm.providers.clients import ModelMaker

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

    from tegu.llm.providers.http import BoundedClient

LOCATION = "us-central1"
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


def generate_content(credential: Credential, http: "BoundedClient") -> ModelMaker:
    """The generateContent API of Vertex AI: with an API key ("express"), with a login's file, or as the machine."""
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google_cloud import GoogleCloudProvider

    path = credential.option("login_file")
    if credential.api_key and path is None:
        provider = GoogleCloudProvider(
            api_key=credential.api_key, base_url=credential.base_url, http_client=http
        )
    else:
        login, project = (None, None) if path is None else _login(path)
        provider = GoogleCloudProvider(
            credentials=login,
            project=credential.option("project") or project,
            location=credential.option("location") or LOCATION,
            base_url=credential.base_url,
            http_client=http,
        )
    return lambda name: GoogleModel(name, provider=provider)


def _login(path: str) -> "tuple[Credentials, str | None]":
    """A service account's key, or the login that `gcloud auth application-default login` left; and the project that it
    names. No other kind: those name programs to run and hosts to ask.
    """
    from google.auth.exceptions import GoogleAuthError
    from google.oauth2.credentials import Credentials as UserCredentials
    from google.oauth2.service_account import Credentials as ServiceCredentials

    service, user = cast("Any", ServiceCredentials), cast("Any", UserCredentials)  # the library is not typed
    kinds: dict[str, Any] = {
        "service_account": service.from_service_account_info,
        "authorized_user": user.from_authorized_user_info,
    }
    try:
        found = from_json(Path(path).read_bytes())
        login = kinds[found["type"]](found, scopes=_SCOPES)
    except (GoogleAuthError, OSError, ValueError, KeyError, TypeError) as error:
        # The message of a broken file may quote from it.
        raise ConfigurationError(
            f"{path!r} holds no login for Google Cloud ({type(error).__name__})",
            hint="point GOOGLE_APPLICATION_CREDENTIALS to the JSON file of a service account",
        ) from None
    return login, found.get("project_id") or found.get("quota_project_id")
