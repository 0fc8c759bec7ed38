"""The samples that ship with Tegu: something to begin with, before anything of one's own is there.

Called by `declared.samples` and by `tegu demo`.
"""

from dataclasses import dataclass
from importlib.resources import as_file, files

from tegu.actions.contents import Ingested, ingest
from tegu.actions.scope import Scope

SAMPLES = {
    "email_analysis": ("support-thread.mbox",),
    "document_extraction": ("invoice.pdf", "contract.md"),
}
"""The sample inputs by the pipeline that they are for."""


@dataclass(frozen=True, slots=True)
class StoredSamples:
    """The samples, each as it was stored or found."""

    samples: tuple[Ingested, ...]


async def add_samples(scope: Scope) -> StoredSamples:
    """Store them. What is there already is found."""
    stored: list[Ingested] = []
    for name in (each for names in SAMPLES.values() for each in names):
        with as_file(files("tegu") / "samples" / name) as path:
            stored.append(await ingest(scope, path, name=name, metadata={"sample": True}))
    return StoredSamples(tuple(stored))
