"""The keys that secrets are sealed with."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.storage.sealed import reseal


class RotateSecrets(ActionInput):
    """Whether to make a new key first."""

    new_key: Annotated[
        bool,
        Field(
            description="Make one, where the keys are in a file; it seals from now on, and the others still open."
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class RotatedSecrets:
    """How many secrets were sealed anew, of how many, and by which key."""

    resealed: int
    secrets: int
    key_id: str


@action("secrets.rotate", effect=Effect.WRITE, permission=Permission.OPERATE, is_idempotent=True)
async def rotate_secrets(scope: Scope, asked: RotateSecrets) -> RotatedSecrets:
    """Seal every stored secret with the first key of the ring. After that the keys behind it open nothing any more.

    Replies of runs under way that are kept unreadable (`store_llm: hash`) are not sealed anew: keep the old key until they have ended.
    """
    keyring = scope.machinery.keyring
    if asked.new_key:
        keyring.add_key()
    resealed, secrets = await reseal(await scope.machinery.database.engine(), keyring)
    return RotatedSecrets(resealed, secrets, keyring.sealing_key_id)
