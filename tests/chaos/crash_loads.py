"""The pipelines whose runs die at crash points: one that asks a model in each stage, and one that maps."""

from tegu.domain.json import JsonObject

DOCUMENT: JsonObject = {
    "tegu": 1,
    "name": "chain",
    "input": "content",
    "stages": {
        "one": {"uses": "prompt", "with": {"instructions": "Stage one."}},
        "two": {
            "uses": "extract",
            "with": {"instructions": "Stage two.", "schema": {"number": "int"}},
            "inputs": ["source", "one"],
        },
        "three": {"uses": "prompt", "with": {"instructions": "Stage three."}, "inputs": ["source", "two"]},
    },
}
STAGES = ("one", "two", "three")
NOTES = 3
MAPPING: JsonObject = {
    "tegu": 1,
    "name": "mapping",
    "input": "content",
    "stages": {
        "words": {"uses": "split", "with": {"by": "separator", "separator": " "}},
        "letters": {
            "uses": "split",
            "with": {"by": "characters"},
            "inputs": ["item"],
            "each": "words.chunks",
        },
    },
}
"""Asks no model, and starts a run for its items."""
