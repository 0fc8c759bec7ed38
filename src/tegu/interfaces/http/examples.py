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
    "runs.start": {"pipeline": "email_analysis", "content_ids": [_CONTENT], "budget_usd": "0.50"},
}
