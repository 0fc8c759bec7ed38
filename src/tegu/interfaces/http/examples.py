"""Examples of what is sent, for the OpenAPI document: a test validates each against its action.

Read by `openapi`.
"""

from typing import Any

_CONTENT = "0197f2c4-8a51-7c3e-b6f0-3d6a4c1f9e02"

EXAMPLES: dict[str, dict[str, Any]] = {
    "contents.create": {
        "text": "Please refund EUR 10.00 for order 4711.",
        "name": "refund.txt",
        "metadata": {"customer": 7},
        "external_id": "ticket-1",
    },
    "pipelines.create": {
        "document": {
            "tegu": 1,
            "name": "refunds",
            "stages": {
                "refund": {"uses": "extract", "with": {"schema": {"amount": "money", "order": "str?"}}}
            },
        }
    },
    "keys.create": {
        "name": "nightly import",
        "scopes": ["contents:write", "runs:write"],
        "expires_in_days": 90,
    },
    "invitations.create": {"email": "anna@example.com", "role": "editor"},
    "service_accounts.create": {"name": "importer", "role": "editor"},
    "webhooks.create": {
        "url": "https://hooks.example.com/tegu",
        "events": ["run.completed", "run.failed"],
        "description": "tickets",
    },
    "runs.start": {"pipeline": "email_analysis", "content_ids": [_CONTENT], "budget_usd": "0.50"},
}
