"""A pipeline that asks one question of a model."""

from tegu.domain.json import JsonObject

MODEL = "openai:gpt-5-mini"
NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "input": "content",
    "stages": {"say": {"uses": "prompt", "with": {"instructions": "Say it."}}},
}
