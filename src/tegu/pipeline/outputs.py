"""What the built-in stage kinds put out, as types: what a `Node` of the builder carries and a Python stage takes.

Used by the builder, the stage kinds and users. Invariant: the stage kinds' default schemas are these models.
"""

from pydantic import BaseModel, Field


class Entity(BaseModel):
    """Someone or something that a text names."""

    type: str = Field(description="person, organization, product, place, date, amount, or another word")
    name: str


class Extraction(BaseModel):
    """What `extract` puts out when it is given no schema."""

    entities: list[Entity]
    category: str


class Classification(BaseModel):
    """What `classify` puts out. `category` is one of the labels."""

    category: str
    confidence: float = Field(ge=0, le=1)


class Summary(BaseModel):
    """What `summarize` puts out."""

    summary: str


class Text(BaseModel):
    """What `prompt` puts out when it is given no schema."""

    text: str
