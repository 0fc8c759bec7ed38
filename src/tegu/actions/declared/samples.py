"""Samples to begin with."""

from tegu.actions import samples
from tegu.actions.action import Effect, NoInput, action
from tegu.actions.samples import StoredSamples
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission


@action("contents.add_samples", effect=Effect.WRITE, permission=Permission.CONTENTS_WRITE, is_idempotent=True)
async def add_samples(scope: Scope, asked: NoInput) -> StoredSamples:
    """Store the samples that ship with Tegu: an e-mail thread, an invoice and a contract, none of them real. What is there already
    is found instead.
    """
    del asked
    return await samples.add_samples(scope)
