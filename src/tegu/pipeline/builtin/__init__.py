"""The pipelines that ship with Tegu, as documents: what `tegu run email_analysis` runs where nobody has stored another.

Invariant: they use nothing that a user's own document could not.
"""

from collections.abc import Mapping
from importlib.resources import files


def builtin_documents() -> Mapping[str, str]:
    """Their YAML texts by name."""
    folder = files(__name__)
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return {name.removesuffix(".yaml"): folder.joinpath(name).read_text("utf-8") for name in found}
