"""Contents and results as resources, which a client can put before its model without a call of a tool.

    tegu://contents/{content_id}/text    the text of a content
    tegu://runs/{run_id}                 a run with its stages, results and cost
    tegu://runs/{run_id}/results         its results alone

Called by `agent`. Invariant: a resource is what an action reads, asked for by the same actor.
"""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from mcp_types import (
    ListResourcesResult,
    ListResourceTemplatesResult,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)
from pydantic_core import to_json

from tegu.actions.action import Action
from tegu.actions.registry import ACTIONS
from tegu.actions.scope import Scope
from tegu.actions.texts import LENGTH_MAX
from tegu.domain.errors import NotFoundError
from tegu.domain.page import PAGE_DEFAULT, PAGE_MAX

TEXT, JSON = "text/plain", "application/json"
_URI = re.compile(r"tegu://(contents|runs)/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/(text|results))?")
TEMPLATES = ListResourceTemplatesResult(
    resource_templates=[
        ResourceTemplate(
            name="content_text",
            uri_template="tegu://contents/{content_id}/text",
            description="The text of a content, which evidence points into.",
            mime_type=TEXT,
        ),
        ResourceTemplate(
            name="run",
            uri_template="tegu://runs/{run_id}",
            description="A run with its stages, results, evidence and cost.",
            mime_type=JSON,
        ),
        ResourceTemplate(
            name="run_results",
            uri_template="tegu://runs/{run_id}/results",
            description="The typed results of a run.",
            mime_type=JSON,
        ),
    ]
)


async def list_resources(scope: Scope, cursor: str | None) -> ListResourcesResult:
    """The texts of the newest contents."""
    page = await _ask(scope, "contents.list", {"limit": PAGE_DEFAULT, "cursor": cursor})
    resources = [
        Resource(
            name=content.name or str(content.id),
            uri=f"tegu://contents/{content.id}/text",
            description=f"{content.media_type}, {content.size_bytes} bytes, {content.created_at:%Y-%m-%d %H:%M} UTC",
            mime_type=TEXT,
        )
        for content in page.items
    ]
    return ListResourcesResult(resources=resources, next_cursor=page.next_cursor)


async def read_resource(scope: Scope, uri: str) -> ReadResourceResult:
    """What a URI names. Raises NotFoundError, and what the action raises."""
    found = _URI.fullmatch(uri)
    match (found[1], UUID(found[2]), found[3]) if found else None:
        case "contents", content_id, "text":
            said = {"content_id": content_id, "length": LENGTH_MAX}
            text, media_type = (await _ask(scope, "contents.text", said)).text, TEXT
        case "runs", run_id, None:
            text, media_type = await _json(scope, "runs.get", {"run_id": run_id}), JSON
        case "runs", run_id, "results":
            await _ask(scope, "runs.get", {"run_id": run_id})  # says so where there is none
            text = await _json(scope, "results.list", {"run_id": run_id, "limit": PAGE_MAX})
            media_type = JSON
        case _:
            raise NotFoundError(
                f"{uri[:200]!r} names no resource", hint="tegu://contents/ID/text or tegu://runs/ID/results"
            )
    return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type=media_type, text=text)])


async def _ask(scope: Scope, name: str, said: Mapping[str, Any]) -> Any:
    action: Action[Any, Any] = ACTIONS[name]
    return await action(scope, action.input.model_validate(dict(said)))


async def _json(scope: Scope, name: str, said: Mapping[str, Any]) -> str:
    done = await _ask(scope, name, said)
    return to_json(ACTIONS[name].output.dump_python(done, mode="json")).decode()
