"""`tegu serve --demo`: an organization with samples and a model of canned answers, and a browser that is signed in to it.

Called by `serve`. Invariants: everything is in an organization that was made for it, and one of that name that holds anything else is
refused; whatever is set up is set up by actions, as anybody would.
"""

import asyncio
import os
import sys
import webbrowser
from dataclasses import replace
from importlib.resources import files
from typing import Any

from tegu.actions.first_run import first_link
from tegu.actions.registry import ACTIONS
from tegu.actions.scope import Scope
from tegu.actions.sign_in import make_link
from tegu.app import Tegu
from tegu.domain.errors import NotFoundError, UsageError
from tegu.interfaces.http.opening import Opening
from tegu.llm.providers.demo import DEMO_MODEL
from tegu.settings import Settings

ORGANIZATION = "demo"
OWNER = "demo@localhost"
PIPELINE = "refund_request"


def demo_settings(settings: Settings) -> Settings:
    """The same, for the organization of the demo and its owner. Raises UsageError where the service is not on this machine."""
    if not settings.sign_in.is_local:
        raise UsageError(
            f"the demo is for this machine alone, and the service is to be at {settings.sign_in.url}",
            hint="leave out TEGU_BASE_URL and --host",
        )
    return replace(settings, organization=ORGANIZATION, sign_in=replace(settings.sign_in, owner=OWNER))


async def prepare(tegu: Tegu) -> tuple[Opening, str]:
    """Set it up, unless it is: what signs the browser in, and a link for another. Raises UsageError."""
    scope = await tegu.scope()
    is_empty = not (await _do(scope, "contents.list", limit=1)).items
    if is_empty:
        await _fill(scope)
    elif not await _is_ours(scope):
        raise UsageError(
            f"there is an organization {ORGANIZATION!r} already, and it holds other data than the demo's",
            hint="set TEGU_HOME to an empty folder, or DATABASE_URL to another database",
        )
    link = await first_link(scope) or await make_link(scope.machinery, OWNER)
    return Opening(scope.machinery, OWNER), link


async def opened(opening: Opening, link: str, *, opens: bool) -> str:
    """Open a browser, if it is wanted and this machine has one to show; what there is to be said then."""
    about = "The demo: samples, and a model of canned answers that costs nothing. "
    if opens and await _open_browser(opening.link):
        return f"{about}A browser opens, signed in; elsewhere sign in within 15 minutes, once: {link}"
    return f"{about}Sign in within 15 minutes, once: {link}"


async def _open_browser(link: str) -> bool:
    has_screen = sys.platform in {"darwin", "win32"} or any(
        os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    )
    return has_screen and await asyncio.to_thread(webbrowser.open, link)


async def _fill(scope: Scope) -> None:
    """The contents come last: with them the demo is there."""
    document = files("tegu").joinpath("samples", f"{PIPELINE}.yaml").read_text("utf-8")
    await _do(scope, "organizations.update", organization_id=scope.organization_id, name="Demo")
    await _do(scope, "pipelines.create", text=document)
    await _do(scope, "models.use", model=DEMO_MODEL)
    await _do(scope, "contents.add_samples")


async def _is_ours(scope: Scope) -> bool:
    try:
        await _do(scope, "pipelines.get", pipeline=PIPELINE)
    except NotFoundError:
        return False
    return True


async def _do(scope: Scope, name: str, /, **said: Any) -> Any:
    action = ACTIONS[name]
    return await action(scope, action.input.model_validate(said))
