"""What is sealed in the database, and sealing it anew when there is a new key.

Called by `actions.secrets`. Invariant: a table with something sealed is in `sealed_secrets.sql`; what is changed meanwhile wins.
"""

import asyncpg

from tegu.sealing import Keyring, SecretPlace
from tegu.storage.http_credentials import credential_place
from tegu.storage.organization_settings import key_place
from tegu.storage.statements import statement
from tegu.storage.webhook_outbox import secret_place


async def reseal(pool: "asyncpg.Pool[asyncpg.Record]", keyring: Keyring) -> tuple[int, int]:
    """Seal with the ring's first key what another has sealed: how many were, of how many.

    Raises ConfigurationError for one whose key is gone; those before it are done, and it may be repeated.
    """
    rows = await pool.fetch(statement("sealed_secrets"))
    old = [row for row in rows if not keyring.is_current(row["sealed"])]
    for row in old:
        place = _place(row)
        anew = keyring.seal(keyring.unseal(row["sealed"], place), place)
        await pool.execute(statement("reseal_secret"), row["organization_id"], row["id"], row["sealed"], anew)
    return len(old), len(rows)


def _place(row: asyncpg.Record) -> SecretPlace:
    match row["noun"]:
        case "webhook":
            return secret_place(row["organization_id"], row["id"])
        case "http_credential":
            return credential_place(row["organization_id"], row["name"], row["host"], row["header"])
        case _:
            return key_place(row["organization_id"], row["name"], row["host"])
