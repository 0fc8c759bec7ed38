"""Labels to choose from: how they are said to a model, and the schema that allows no other.

Called by the classify kind and by `ctx.llm.classify`. Invariant: a category outside the labels is a schema error.
"""

from collections.abc import Mapping

from tegu.domain.json import JsonObject

CONFIDENCE_NOTE = "Say with `confidence`, a number from 0 to 1, how sure you are: 0.5 when another category fits about as well."


def classification_schema(labels: Mapping[str, str]) -> JsonObject:
    """The schema of `pipeline.outputs.Classification` with the labels as its enum."""
    return {
        "type": "object",
        "properties": {
            "category": {"type": "string", "enum": [*labels]},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        },
        "required": ["category", "confidence"],
        "additionalProperties": False,
    }


def labels_note(labels: Mapping[str, str], instructions: str = "") -> str:
    """The instructions: what to choose from, each label with its description."""
    listed = "\n".join(
        f"- {label}: {description}" if description else f"- {label}" for label, description in labels.items()
    )
    asked = [
        "Choose the one category that fits the data best.",
        f"Categories:\n{listed}",
        CONFIDENCE_NOTE,
        instructions.strip(),
    ]
    return "\n\n".join(part for part in asked if part)
